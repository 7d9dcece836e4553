/**
 * Changes waiting to be read. A VM that changes often waits once, so the queue is never longer than the host has
 * VMs and nothing need be dropped.
 */
import type { VmId } from "@muster/model";
import type { VmChange } from "./hypervisor.ts";

export class ChangeQueue {
  readonly #changed = new Set<VmId>();
  #gap = false;
  #wake: (() => void) | undefined;

  put(change: VmChange): void {
    if (change.kind === "gap") this.#gap = true;
    else this.#changed.add(change.vmId);
    this.#wake?.();
  }

  /** Until the signal aborts. */
  async *read(signal: AbortSignal): AsyncGenerator<VmChange, void, undefined> {
    const onAbort = (): void => this.#wake?.();
    signal.addEventListener("abort", onAbort);
    try {
      while (!signal.aborted) {
        const change = this.#take();
        if (change !== undefined) {
          yield change;
          continue;
        }
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  #take(): VmChange | undefined {
    if (this.#gap) {
      // Whoever lists everything has also seen these.
      this.#gap = false;
      this.#changed.clear();
      return { kind: "gap" };
    }
    for (const vmId of this.#changed) {
      this.#changed.delete(vmId);
      return { kind: "changed", vmId };
    }
    return undefined;
  }
}
