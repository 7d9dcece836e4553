/** Waiting for a condition, never for a guessed time. */
import { setTimeout as sleep } from "node:timers/promises";

export interface WaitOptions {
  readonly timeoutMs: number;
  /** Between two looks. Short delays cost processor time that the VMs need. Default 50 ms. */
  readonly everyMs?: number;
  /** Added to the message of the failure; asked only then. */
  readonly explain?: () => string | Promise<string>;
}

/**
 * Looks until `look` gives something other than undefined or false, and returns that.
 * @throws Error naming `what` after `timeoutMs`.
 */
export async function waitFor<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  { timeoutMs, everyMs = 50, explain }: WaitOptions,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) {
      const more = explain === undefined ? "" : `: ${await explain()}`;
      throw new Error(`waited ${timeoutMs} ms in vain for ${what}${more}`);
    }
    await sleep(everyMs);
  }
}
