/** A failure for people. PURE. */
import { detailOf, type ErrorDetail } from "@muster/model";
import { printable, type Paint } from "./style.ts";

/** Reasons shown without --all, each with those that belong to it: a screen's worth. The first are counts. */
const REASONS_SHOWN = 12;

/** What failed, why, for which reasons, and what to do; to follow "muster: ". */
export function renderFailure(
  detail: Omit<ErrorDetail, "code">,
  paint: Paint,
  how: { readonly isComplete: boolean },
): string {
  const { shown, hiddenCount } = how.isComplete
    ? { shown: detail.reasons, hiddenCount: 0 }
    : firstReasons(detail.reasons);
  const lines = [
    `${paint("muster:", "bad")} ${printable(detail.message)}`,
    ...(detail.cause === "" ? [] : [`  because: ${printable(detail.cause)}`]),
    ...shown.map(renderReason),
    ...(hiddenCount === 0
      ? []
      : [`  - and ${String(hiddenCount)} more: the same command with --all shows them`]),
    ...(detail.hint === "" ? [] : [`  what to do: ${printable(detail.hint)}`]),
  ];
  return `${lines.join("\n")}\n`;
}

/** The detail of anything thrown; what is not a MusterError is a bug and says so. */
export function failureOf(error: unknown): ErrorDetail {
  const detail = detailOf(error);
  if (detail.code !== "internal" || detail.hint !== "") return detail;
  return { ...detail, hint: "this is a bug in muster: please report it with the command you gave" };
}

function firstReasons(reasons: readonly string[]) {
  const starts = reasons.flatMap((reason, index) => (reason.startsWith(" ") ? [] : [index]));
  const end = starts[REASONS_SHOWN];
  if (end === undefined) return { shown: reasons, hiddenCount: 0 };
  return { shown: reasons.slice(0, end), hiddenCount: starts.length - REASONS_SHOWN };
}

/** Reasons that are indented belong to the one above them. */
function renderReason(reason: string): string {
  const text = printable(reason);
  return text.startsWith(" ") ? `    ${text.trimStart()}` : `  - ${text}`;
}
