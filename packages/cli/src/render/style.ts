/** Colours of a terminal, or none. PURE: whether to paint is decided by the caller. */

export type Tone = "plain" | "good" | "busy" | "bad" | "faint" | "strong";

const codes: Readonly<Record<Tone, string>> = {
  plain: "",
  good: "32",
  busy: "33",
  bad: "31",
  faint: "2",
  strong: "1",
};

export type Paint = (text: string, tone: Tone) => string;

export const paintNothing: Paint = (text) => text;

export const paintAnsi: Paint = (text, tone) =>
  tone === "plain" || text === "" ? text : `\u001b[${codes[tone]}m${text}\u001b[0m`;

const tones: Readonly<Record<string, Tone>> = {
  online: "good",
  running: "good",
  ready: "good",
  succeeded: "good",
  done: "good",
  creating: "busy",
  joining: "busy",
  migrating: "busy",
  stopping: "busy",
  deleting: "busy",
  queued: "busy",
  undoing: "busy",
  paused: "busy",
  stopped: "faint",
  waiting: "faint",
  undone: "faint",
  cancelled: "faint",
  unknown: "bad",
  lost: "bad",
  armed: "good",
  freeze: "bad",
  ignore: "bad",
  missing: "bad",
  crashed: "bad",
  failed: "bad",
};

/** The tone of a state word. */
export const toneOf = (word: string): Tone => tones[word] ?? "plain";

/**
 * Text from hosts and guests made safe to print: control characters, which could move the cursor or retitle the
 * window, become "?".
 */
export const printable = (text: string): string =>
  text.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/g, "?");
