/** S9: a refusal says why. Pure. */
import { isMusterError } from "@muster/model";

/** What is wrong with it; undefined: nothing. */
export function refusalProblem(error: unknown): string | undefined {
  if (!isMusterError(error)) return `no error of muster's: ${String(error)}`;
  if (error.message === "") return `a refusal without a message (${error.code})`;
  if (error.code === "internal") return `muster blames itself: ${error.message}`;
  if (error.code === "no-placement" && error.reasons.length === 0) {
    return `no host fits, and no reason is given: ${error.message}`;
  }
  return undefined;
}
