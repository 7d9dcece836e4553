/**
 * What a guest says of its first boot, line by line. A guest is not trusted: a line that does not look like ours is left
 * out, and no line can be longer, no text other, than what is said here.
 */
import { guestStageNames, guestStageStates, type GuestStage } from "@muster/model";
import { fromBase64, textOfBytes } from "../bytes.ts";
import { LOG_TAIL_BYTES, REPORT_WORD } from "../render/reporter.ts";

/** Of a line: the tail as base64 and a few words. */
export const REPORT_LINE_MAX = Math.ceil(LOG_TAIL_BYTES / 3) * 4 + 100;
/** Two stages begin and end. */
const REPORTS_MAX = 16;

const LINE = /^(\S+) (\d{1,2}) ([a-z]+) ([a-z]+) (\d{1,3}) (\S+)$/;

/** Only what a terminal can show: the tail ends up in front of people. */
const printable = (text: string): string => text.replaceAll(/[^\n\t -~\u00a0-\uffff]/g, "?");

export function parseReportLine(line: string): GuestStage | undefined {
  if (line.length > REPORT_LINE_MAX) return undefined;
  const [, word, number, stageText, stateText, code, tail = ""] = LINE.exec(line.trim()) ?? [];
  const stage = guestStageNames.find((name) => name === stageText);
  const state = guestStageStates.find((name) => name === stateText);
  if (word !== REPORT_WORD || stage === undefined || state === undefined) return undefined;
  if (Number(number) < 1 || Number(number) > REPORTS_MAX) return undefined;
  const bytes = tail === "-" ? undefined : fromBase64(tail);
  return {
    number: Number(number),
    stage,
    state,
    exitCode: Number(code),
    logTail: bytes === undefined ? "" : printable(textOfBytes(bytes)),
  };
}
