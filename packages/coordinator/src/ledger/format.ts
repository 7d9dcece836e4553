/**
 * Which versions may share a store. Coordinators are upgraded one at a time, so while that goes on a newer one may
 * have written what an older one reads, and must take over from it, also backwards. So every version reads and
 * keeps what one version newer writes: fields it does not know stay in the records it changes, kinds it does not
 * know stay where they are. Two versions apart is refused. PURE.
 */
import { MusterError } from "@muster/model";

/** Grows when records get a form that the version before would not understand by the rule above alone. */
export const FORMAT = 2;

/** `format`: as the cluster's record has it. Throws `version-mismatch`. */
export function checkFormat(format = 1): void {
  if (format <= FORMAT + 1) return;
  const versions = `${String(format)}, this program knows ${String(FORMAT)} and tolerates one more`;
  throw new MusterError("version-mismatch", `the store has records of format ${versions}`, {
    hint: "start the newer version of muster-coordinator",
  });
}
