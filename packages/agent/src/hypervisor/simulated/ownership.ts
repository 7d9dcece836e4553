/**
 * Watches rule S1 in a simulated world: no disk, and no VM, ever has two running owners. An owner is asked whether it
 * still is one only when somebody else wants the same disk, so that a world of many VMs costs nothing to watch.
 */
import type { LiveDomain } from "./simulated-domain.ts";
import type { SimulatedHost } from "./simulated-host.ts";
import type { WorldStorages } from "./world-storages.ts";

/** Two owners of one disk, or of one VM: the harm that muster exists to prevent. */
export interface Violation {
  readonly atMs: number;
  readonly message: string;
}

interface Owner {
  readonly live: LiveDomain;
  readonly host: SimulatedHost;
}

export class Ownership {
  readonly #owners = new Map<string, readonly Owner[]>();
  readonly #violations: Violation[] = [];
  readonly #storages: WorldStorages;

  constructor(storages: WorldStorages) {
    this.#storages = storages;
  }

  get violations(): readonly Violation[] {
    return this.#violations;
  }

  /** Called whenever a domain opens its disks: started here, or arrived. */
  take(owner: Owner, nowMs: number): void {
    const { vmId } = owner.live.guest;
    const disks = this.#storages.diskKeys(owner.host, vmId, owner.live.config.spec);
    const things = [
      { key: vmId, verb: `vm ${vmId} runs` },
      ...disks.map((key) => ({ key, verb: `disk ${key} has owners` })),
    ];
    for (const { key, verb } of things) {
      const others = (this.#owners.get(key) ?? []).filter(
        (other) => other.live !== owner.live && isStillOwner(other),
      );
      for (const other of others) {
        const message = `${verb} on ${other.host.name} and on ${owner.host.name}`;
        this.#violations.push({ atMs: nowMs, message });
      }
      this.#owners.set(key, [...others, owner]);
    }
  }
}

const isStillOwner = ({ live, host }: Owner): boolean =>
  !live.incoming && host.domains.get(live.guest.vmId)?.live === live;
