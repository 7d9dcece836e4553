import type { CallOptions } from "../pending-call.ts";

/** Options of a call with flags, which are named and never a bit mask. */
export interface WithFlags<Flag extends string> extends CallOptions {
  readonly flags?: readonly Flag[] | undefined;
}
