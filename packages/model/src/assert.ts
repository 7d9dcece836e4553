/** Crashes on what cannot happen. What can happen is a MusterError. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}

/** Makes a switch over a union exhaustive at compile time, and loud at run time. */
export function assertNever(value: never): never {
  throw new AssertionFailure(`unexpected value ${JSON.stringify(value)}`);
}

/** A bug in muster itself; the process should end and be restarted. */
export class AssertionFailure extends Error {
  override readonly name = "AssertionFailure";
}
