/**
 * Turns libvirt's events into reports. Events only say where to look; what is reported is what is seen then. While
 * one VM is being looked at, further events about it are one more look, however many they are.
 */
import type { VmId } from "@muster/model";
import type { Clock, Log } from "@muster/runtime";
import type { VmWatch } from "../hypervisor/hypervisor.ts";
import type { Reporter } from "./reporter.ts";

export interface ChangeWatcherParts {
  readonly watch: VmWatch;
  readonly reporter: Reporter;
  readonly clock: Clock;
  /** Called for each change, before it is reported. */
  readonly onChange?: (vmId: VmId) => void;
  /** Events may have been missed: everything must be looked at again. */
  readonly onGap: () => void;
  readonly log: Log;
}

/** Pause before watching again when the hypervisor ended the stream of changes. */
const AGAIN_MS = 1_000;

export async function watchChanges(parts: ChangeWatcherParts, signal: AbortSignal): Promise<void> {
  const { watch, clock, onChange, onGap, log } = parts;
  const looks = new Looks(parts.reporter);
  while (!signal.aborted) {
    try {
      for await (const change of watch.changes(signal)) {
        if (change.kind === "gap") {
          onGap();
        } else {
          onChange?.(change.vmId);
          looks.ask(change.vmId);
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ err: error }, "watching for changes broke");
    }
    if (signal.aborted) return;
    await clock.sleep(AGAIN_MS, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    onGap();
  }
}

class Looks {
  readonly #reporter: Reporter;
  readonly #asked = new Set<VmId>();

  constructor(reporter: Reporter) {
    this.#reporter = reporter;
  }

  ask(vmId: VmId): void {
    if (this.#asked.has(vmId)) return;
    this.#asked.add(vmId);
    // Forgotten before the look begins: an event during the look asks for another one.
    this.#reporter.reportVm(vmId, () => this.#asked.delete(vmId));
  }
}
