/** Ctrl-] leaves a console, as in telnet and virsh. PURE. */

const ESCAPE_BYTE = 0x1d;

export interface Typed {
  /** What goes to the guest. */
  readonly bytes: Uint8Array;
  readonly isLeaving: boolean;
}

/** Everything before the first Ctrl-] is for the guest; what follows it is not. */
export function splitAtEscape(chunk: Uint8Array): Typed {
  const at = chunk.indexOf(ESCAPE_BYTE);
  if (at < 0) return { bytes: chunk, isLeaving: false };
  return { bytes: chunk.subarray(0, at), isLeaving: true };
}
