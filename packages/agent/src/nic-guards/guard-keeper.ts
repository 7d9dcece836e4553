/** Keeps guests of this host from forging addresses: as assigned, also without the coordinator. */
import type { NetworkSpec } from "@muster/model";
import type { Clock, Log, Reconciler } from "@muster/runtime";
import type { Assigned } from "../assignments/assigned.ts";
import { nicGuardsOf, type NicGuard } from "./nic-guard.ts";
import type { NicGuards } from "./nic-guards.ts";

export interface GuardKeeperParts {
  readonly guards: NicGuards;
  readonly assigned: () => Assigned | undefined;
  /** As the host has it now. */
  readonly network: (name: string) => NetworkSpec | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Somebody may flush rules at any time, and a switch that was restarted has none: a moment is how long that may last. */
const PERIOD_MS = 10_000;

/** Pause before watching again when what tells of ports ended. */
const AGAIN_MS = 1_000;

export class GuardKeeper implements Reconciler {
  readonly name = "guard-nics";
  readonly periodMs = PERIOD_MS;
  readonly #parts: GuardKeeperParts;
  #wanted = 0;
  #kept = 0;

  constructor(parts: GuardKeeperParts) {
    this.#parts = parts;
  }

  /** NICs that are guarded, and those that should be and are not. */
  get counts(): { readonly kept: number; readonly failed: number } {
    return { kept: this.#kept, failed: this.#wanted - this.#kept };
  }

  /** Also called before a VM starts or arrives. @throws MusterError "network-failed" when a NIC would not be guarded */
  async reconcile(): Promise<void> {
    const wanted = this.#guards();
    if (wanted === undefined) return;
    this.#wanted = wanted.length;
    try {
      await this.#parts.guards.keep(wanted);
      this.#kept = wanted.length;
    } catch (error) {
      this.#kept = 0;
      throw error;
    }
  }

  /** Resolves when the signal aborts. */
  async watch(onChange: () => void, signal: AbortSignal): Promise<void> {
    const { guards, clock } = this.#parts;
    if (guards.watch === undefined) return;
    while (!signal.aborted) {
      await guards.watch(onChange, signal);
      if (signal.aborted) return;
      // What happened in between was not told.
      onChange();
      await clock.sleep(AGAIN_MS, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
  }

  #guards(): readonly NicGuard[] | undefined {
    const { assigned, network } = this.#parts;
    const wanted = assigned();
    return wanted === undefined ? undefined : nicGuardsOf(wanted.vms, network);
  }
}
