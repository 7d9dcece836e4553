/**
 * Measures for how long a VM that moves here cannot be reached: from when it stood still at its old host, as its
 * hypervisor says, until its first frame left its port here, by which switches learn where it is now. That first frame is
 * usually QEMU's own announcement (docs/design/0038).
 */
import { isActive, type VmId, type VmObservation } from "@muster/model";
import type { Clock, Log } from "@muster/runtime";

/** What is asked of the host. */
export interface ArrivalSource {
  /** Milliseconds in which the guest stood still when it moved here last; undefined: nobody knows. */
  downtimeMs(vmId: VmId): Promise<number | undefined>;
  /** Frames that its NICs have sent on this host. */
  framesSent(vmId: VmId): Promise<number>;
  /** Announces it once more, as often as the configuration says. */
  announce(vmId: VmId): Promise<void>;
}

export interface ArrivalMeterParts {
  readonly source: ArrivalSource;
  readonly observe: (vmId: VmId) => Promise<VmObservation | undefined>;
  /** Milliseconds. */
  readonly measured: (blackoutMs: number) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Between two looks at the counters: as exact as the measure is. */
const LOOK_MS = 5;

/** A guest that has sent nothing by then has no network, or nothing to say on it. */
const SILENT_MS = 5_000;

export class ArrivalMeter {
  readonly #parts: ArrivalMeterParts;
  /** Undefined: it does not run here yet. */
  readonly #expected = new Map<VmId, Promise<number | undefined> | undefined>();

  constructor(parts: ArrivalMeterParts) {
    this.#parts = parts;
  }

  expect(vmId: VmId): void {
    this.#expected.set(vmId, undefined);
  }

  /** It stays where it was. */
  forget(vmId: VmId): void {
    this.#expected.delete(vmId);
  }

  /** Something happened to it: called for every VM, and dear only for one that is on its way here. */
  changed(vmId: VmId): void {
    if (!this.#expected.has(vmId) || this.#expected.get(vmId) !== undefined) return;
    const waiting = this.#firstFrame(vmId).catch((error: unknown) => {
      this.#parts.log.warn({ vmId, err: error }, "an arrival could not be measured");
      return undefined;
    });
    this.#expected.set(vmId, waiting);
    void waiting.then((delayMs) => {
      // It did not run yet: the next change tells.
      if (delayMs === undefined && this.#expected.get(vmId) === waiting) this.expect(vmId);
    });
  }

  /** Of a VM that has arrived: milliseconds; undefined: it could not be measured. */
  async finish(vmId: VmId): Promise<number | undefined> {
    const { source, measured, log } = this.#parts;
    try {
      this.changed(vmId);
      const delayMs = await this.#expected.get(vmId);
      this.forget(vmId);
      const downtimeMs = await source.downtimeMs(vmId);
      await source.announce(vmId);
      if (delayMs === undefined || downtimeMs === undefined) return undefined;
      const blackoutMs = Math.round(downtimeMs + delayMs);
      measured(blackoutMs);
      return blackoutMs;
    } catch (error) {
      // The VM is here and runs; that nobody knows how long it took is no failure.
      log.warn({ vmId, err: error }, "an arrival could not be measured");
      return undefined;
    }
  }

  /** Milliseconds from when it was seen to run; undefined: it does not run, or stays silent. */
  async #firstFrame(vmId: VmId): Promise<number | undefined> {
    const { source, observe, clock } = this.#parts;
    const beganMs = clock.now();
    const seen = await observe(vmId);
    if (seen === undefined || !isActive(seen.state) || seen.state === "paused") return undefined;
    while ((await source.framesSent(vmId)) === 0) {
      if (clock.now() - beganMs > SILENT_MS) return undefined;
      await clock.sleep(LOOK_MS);
    }
    return clock.now() - beganMs;
  }
}
