import type { HostSnapshot } from "./snapshot.ts";
import { toMiB } from "./units.ts";
import type { DiskLoad } from "./want.ts";

/**
 * Free space per storage. A shared storage is one slot however many hosts see it, with the smallest free
 * space any of them reports; a local one is a slot per host.
 */
export class StorageUsage {
  readonly #slotByName: ReadonlyMap<string, Int32Array>;
  readonly #freeMiB: Float64Array;
  readonly #claimedMiB: Float64Array;

  constructor(hosts: readonly HostSnapshot[]) {
    const slotByName = new Map<string, Int32Array>();
    const sharedSlots = new Map<string, number>();
    const free: number[] = [];
    hosts.forEach((host, hostIndex) => {
      for (const storage of host.storages ?? []) {
        let slots = slotByName.get(storage.name);
        if (slots === undefined) {
          slots = new Int32Array(hosts.length).fill(-1);
          slotByName.set(storage.name, slots);
        }
        const freeMiB = toMiB(storage.freeBytes);
        const known = storage.shared ? sharedSlots.get(storage.name) : undefined;
        if (known === undefined) {
          slots[hostIndex] = free.length;
          if (storage.shared) sharedSlots.set(storage.name, free.length);
          free.push(freeMiB);
        } else {
          slots[hostIndex] = known;
          free[known] = Math.min(free[known] ?? freeMiB, freeMiB);
        }
      }
    });
    this.#slotByName = slotByName;
    this.#freeMiB = Float64Array.from(free);
    this.#claimedMiB = new Float64Array(free.length);
  }

  /** Takes over what is free; the hosts have the storages they had, in the same order. */
  noteFreeSpace(hosts: readonly HostSnapshot[]): void {
    this.#freeMiB.fill(Infinity);
    hosts.forEach((host, index) => {
      for (const storage of host.storages ?? []) {
        const slot = this.#slotByName.get(storage.name)?.[index] ?? -1;
        if (slot < 0) continue;
        const free = toMiB(storage.freeBytes);
        this.#freeMiB[slot] = Math.min(this.#freeMiB[slot] as number, free);
      }
    });
  }

  /** The slot of a storage as seen from a host; -1 when the host does not reach it. */
  slotOf(storage: string, host: number): number {
    return host < 0 ? -1 : (this.#slotByName.get(storage)?.[host] ?? -1);
  }

  /** By host index; undefined when no host has the storage. */
  slotsOf(storage: string): Int32Array | undefined {
    return this.#slotByName.get(storage);
  }

  freeMiB(slot: number): number {
    return slot < 0 ? 0 : (this.#freeMiB[slot] ?? 0) - (this.#claimedMiB[slot] ?? 0);
  }

  /** New space a disk needs on `host` when the VM's volumes are on `volumesHost` (-1: nowhere yet). */
  neededMiB(disk: DiskLoad, host: number, volumesHost: number): number {
    const slot = disk.slots?.[host] ?? -1;
    return slot >= 0 && slot === disk.slots?.[volumesHost] ? 0 : disk.sizeMiB;
  }

  /**
   * Moves the hosts where the disk fits, or that do not reach its storage, to the front in their order.
   * @returns how many they are.
   */
  sieve(disk: DiskLoad, volumesHost: number, hosts: Int32Array): number {
    const { slots, sizeMiB } = disk;
    if (slots === undefined) return hosts.length;
    const slotHere = slots[volumesHost] ?? -1;
    let kept = 0;
    for (let i = 0; i < hosts.length; i++) {
      const host = hosts[i] as number;
      const slot = slots[host] as number;
      const fits = slot < 0 || slot === slotHere || sizeMiB <= this.freeMiB(slot);
      if (fits) hosts[kept++] = host;
    }
    return kept;
  }

  /** @param sign +1 to take the space, -1 to give it back. */
  account(disks: readonly DiskLoad[], where: { host: number; volumesHost: number }, sign: 1 | -1) {
    for (const disk of disks) {
      const slot = disk.slots?.[where.host] ?? -1;
      if (slot < 0) continue;
      const neededMiB = this.neededMiB(disk, where.host, where.volumesHost);
      this.#claimedMiB[slot] = (this.#claimedMiB[slot] ?? 0) + sign * neededMiB;
    }
  }
}
