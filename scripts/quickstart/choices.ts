/** What the person asked for on the command line. */
import { userInfo } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";

export const USAGE = `npm run quickstart                    a coordinator and three hosts on real libvirt and QEMU, as root
npm run quickstart -- --simulated     the same on simulated hypervisors, without root
npm run quickstart -- down            stops and removes what runs (with --simulated: only that)

  --directory DIR   where everything is kept, absolute and short;
                    default ${realDirectory()}, simulated ${simulatedDirectory()}`;

export interface Choices {
  readonly command: "up" | "down" | "help";
  readonly isSimulated: boolean;
  /** Absolute. */
  readonly directory: string;
  readonly isDefaultDirectory: boolean;
}

export function realDirectory(): string {
  return "/tmp/muster-quickstart";
}

/** One for each user: nobody can write the directory of another. */
export function simulatedDirectory(): string {
  return `/tmp/muster-simulated-${String(userInfo().uid)}`;
}

/** @throws Error saying what is wrong with the words. */
export function readChoices(words: readonly string[]): Choices {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      simulated: { type: "boolean", default: false },
      directory: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const [word = "up", ...rest] = positionals;
  const command = values.help ? "help" : word;
  if ((command !== "up" && command !== "down" && command !== "help") || rest.length > 0) {
    throw new Error(`"${positionals.join(" ")}" is not understood\n${USAGE}`);
  }
  const isSimulated = values.simulated;
  const { directory } = values;
  return {
    command,
    isSimulated,
    directory: resolve(directory ?? (isSimulated ? simulatedDirectory() : realDirectory())),
    isDefaultDirectory: directory === undefined,
  };
}

/** The command line to type for the same place. */
export function quickstart(choices: Choices, command: "up" | "down"): string {
  const words = [
    ...(command === "down" ? ["down"] : []),
    ...(choices.isSimulated ? ["--simulated"] : []),
    ...(choices.isDefaultDirectory ? [] : ["--directory", choices.directory]),
  ];
  return words.length === 0 ? "npm run quickstart" : `npm run quickstart -- ${words.join(" ")}`;
}
