/** Flags that several commands share, each defined once. */
import { type Command, Option } from "commander";
import { parseDurationMs } from "../duration.ts";
import { parseCount } from "../spec/fields.ts";

export const durationOf =
  (field: string) =>
  (text: string): number =>
    parseDurationMs(text, field);

export const countOf =
  (field: string) =>
  (text: string): number =>
    parseCount(text, field);

/** Gathers a flag that may be repeated. */
export const repeated =
  <Item>(parse: (text: string) => Item) =>
  (text: string, earlier: readonly Item[] | undefined): readonly Item[] => [
    ...(earlier ?? []),
    parse(text),
  ];

/** For everything that changes something. */
export const addChangeFlags = (command: Command): Command =>
  command
    .option("--reason <text>", "why; kept with the change")
    .option("--dry-run", "show what would happen, change nothing")
    .option("--request-id <id>", "repeats with the same id take effect once (default: random)");

/** For everything that starts an operation. */
export const addWaitFlags = (command: Command): Command =>
  addWaitOption(command, new Option("--wait", "wait until the operation ends (default)"));

/** With a `--wait` of its own. */
export const addWaitOption = (command: Command, wait: Option): Command =>
  command
    .addOption(wait.conflicts("detach"))
    .option("--detach", "print the operation's id at once and do not wait")
    .option(
      "--wait-timeout <duration>",
      "give up waiting after this long; the operation goes on",
      durationOf("--wait-timeout"),
    );

export const example = (...lines: readonly string[]): string =>
  `\nExample:\n${lines.map((line) => `  $ ${line}`).join("\n")}\n`;
