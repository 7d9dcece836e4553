/**
 * The operating system inside a simulated VM: it counts the seconds it ran since it booted, as the lab's real guest
 * does on its console. It is one object from boot to power-off, also across live migrations: equal boot ids and a
 * counter that never falls mean that the guest did not notice.
 */
import { assert, MIB, type VmId } from "@muster/model";
import type { Clock } from "@muster/runtime";

/** How a guest behaves; kept per VM, so it outlives reboots. */
export interface GuestBehaviour {
  /** It takes no notice of the power button. */
  readonly ignoresShutdown: boolean;
  /** From the power button to off. */
  readonly shutdownMs: number;
  /** How fast it writes to its memory: decides whether a migration converges. */
  readonly dirtyBytesPerSecond: bigint;
  /** Its hypervisor process does not answer: it is left out of samples. */
  readonly hung: boolean;
}

export const ordinaryGuest: GuestBehaviour = {
  ignoresShutdown: false,
  shutdownMs: 2_000,
  dirtyBytesPerSecond: 20n * MIB,
  hung: false,
};

export class SimulatedGuest {
  readonly vmId: VmId;
  readonly #clock: Clock;
  #bootId: string;
  #ranMs = 0;
  #runningSinceMs: number | undefined;

  constructor(parts: { readonly vmId: VmId; readonly bootId: string; readonly clock: Clock }) {
    this.vmId = parts.vmId;
    this.#bootId = parts.bootId;
    this.#clock = parts.clock;
  }

  get bootId(): string {
    return this.#bootId;
  }

  /** Whole seconds it ran since it booted; stands still while paused. */
  get count(): number {
    return Math.floor(this.ranMs / 1000);
  }

  get ranMs(): number {
    const since = this.#runningSinceMs;
    return this.#ranMs + (since === undefined ? 0 : this.#clock.now() - since);
  }

  run(): void {
    this.#runningSinceMs ??= this.#clock.now();
  }

  pause(): void {
    this.#ranMs = this.ranMs;
    this.#runningSinceMs = undefined;
  }

  reboot(bootId: string): void {
    assert(bootId !== this.#bootId, "a boot id is used once");
    this.#bootId = bootId;
    this.#ranMs = 0;
    if (this.#runningSinceMs !== undefined) this.#runningSinceMs = this.#clock.now();
  }
}
