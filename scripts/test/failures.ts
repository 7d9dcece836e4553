/** Which tests failed, told again at the end of the run, where people and machines that keep only the last lines look. */
import { relative } from "node:path";

/** More than these say no more than that everything is broken. */
const FAILURES_MAX = 40;
/** Enough for what was expected and what came instead. */
const LINES_MAX = 6;
const LINE_WIDTH_MAX = 200;

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null;
const listOf = (value: unknown): readonly Fields[] =>
  Array.isArray(value) ? value.filter(isFields) : [];
const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

const COLOURS = /\u001b\[[0-9;]*m/g;

/** The first lines of a message, without colours and without the frames of its stack. */
function shortened(message: string): string[] {
  return message
    .replaceAll(COLOURS, "")
    .split("\n")
    .filter((line) => line.trim() !== "" && !/^\s+at /.test(line))
    .slice(0, LINES_MAX)
    .map((line) => `    ${line.slice(0, LINE_WIDTH_MAX)}`);
}

/** A block of lines for each failed test, and each file that could not be run, of vitest's JSON report. */
export function failuresIn(report: unknown, root: string): readonly string[] {
  if (!isFields(report)) return [];
  return listOf(report["testResults"]).flatMap((file) => {
    const path = relative(root, textOf(file["name"]));
    const failed = listOf(file["assertionResults"]).filter(({ status }) => status === "failed");
    if (failed.length === 0 && file["status"] === "failed") {
      return [[`  ${path}`, ...shortened(textOf(file["message"]))].join("\n")];
    }
    return failed.map((test) => {
      const messages = Array.isArray(test["failureMessages"]) ? test["failureMessages"] : [];
      const lines = messages.flatMap((message) => shortened(textOf(message)));
      return [`  ${path} > ${textOf(test["fullName"])}`, ...lines].join("\n");
    });
  });
}

/** What the end of a run says of them; empty when nothing failed. */
export function failureSummary(failures: readonly string[]): string {
  if (failures.length === 0) return "";
  const shown = failures.slice(0, FAILURES_MAX);
  const more = failures.length - shown.length;
  const rest = more === 0 ? [] : [`  and ${String(more)} more`];
  return ["Failed:", ...shown, ...rest].join("\n");
}
