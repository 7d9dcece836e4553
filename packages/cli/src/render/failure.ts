/** A failure for people. PURE. */
import { detailOf, type ErrorDetail } from "@muster/model";
import { printable, type Paint } from "./style.ts";

/** What failed, why, for which reasons, and what to do; to follow "muster: ". */
export function renderFailure(detail: Omit<ErrorDetail, "code">, paint: Paint): string {
  const lines = [
    `${paint("muster:", "bad")} ${printable(detail.message)}`,
    ...(detail.cause === "" ? [] : [`  because: ${printable(detail.cause)}`]),
    ...detail.reasons.map(renderReason),
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

/** Reasons that are indented belong to the one above them. */
function renderReason(reason: string): string {
  const text = printable(reason);
  return text.startsWith(" ") ? `    ${text.trimStart()}` : `  - ${text}`;
}
