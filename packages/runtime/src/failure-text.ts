/** A failure as a program's last words on standard error: what, why, every reason, and what to do. Pure. */
import { detailOf } from "@muster/model";

export function renderFailure(program: string, error: unknown): string {
  const { message, cause, reasons, hint } = detailOf(error);
  const lines = [
    `${program}: ${message}${cause === "" ? "" : `: ${cause}`}`,
    ...reasons.map((reason) => `  ${reason}`),
    ...(hint === "" ? [] : [`  hint: ${hint}`]),
  ];
  return `${lines.join("\n")}\n`;
}
