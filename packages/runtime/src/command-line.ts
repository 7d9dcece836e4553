/** A daemon's command line: words, and options that stand over the configuration file. PURE. */
import { invalid } from "@muster/model";

export interface CommandLine {
  /** Words that are no options, in order: "join", "muster1.…". */
  readonly positionals: readonly string[];
  /** By name without the dashes; `true` when no value was given. */
  readonly options: ReadonlyMap<string, string | true>;
}

const OPTION = /^--([a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)*)(?:=(.*))?$/s;

/**
 * "--data-directory DIR", "--metrics.port=9464", "--simulated". A word after an option is its value, so words
 * that are not belong before the options, or after "--".
 */
export function parseCommandLine(words: readonly string[]): CommandLine {
  const positionals: string[] = [];
  const options = new Map<string, string | true>();
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? "";
    if (word === "--") {
      positionals.push(...words.slice(index + 1));
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      positionals.push(word);
      continue;
    }
    const match = OPTION.exec(word);
    const name = match?.[1];
    if (name === undefined)
      throw invalid("command line", `"${word.slice(0, 80)}" is not an option`);
    if (options.has(name)) throw invalid(`--${name}`, "given twice");
    const next = words[index + 1];
    if (match?.[2] !== undefined) options.set(name, match[2]);
    else if (next === undefined || next.startsWith("--")) options.set(name, true);
    else {
      options.set(name, next);
      index += 1;
    }
  }
  return { positionals, options };
}
