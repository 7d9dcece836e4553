/** The volumes of all simulated hosts. A shared storage is one set of volumes for every host that has it. */
import { MusterError, type DiskSpec, type VmId, type VmSpec } from "@muster/model";
import { seedVolumeOf, volumeNameOf } from "../domain-xml/render-domain.ts";
import { volumesOf } from "./simulated-domain.ts";
import type { SimulatedHost } from "./simulated-host.ts";

const SEED_BYTES = 65_536n;

export class WorldStorages {
  readonly #volumes = new Map<string, Map<string, { readonly sizeBytes: bigint }>>();

  /** Identifies one set of volumes; undefined: the host has no such storage. */
  #keyOf(host: SimulatedHost, storage: string): string | undefined {
    const found = host.facts.storages.find((candidate) => candidate.name === storage);
    if (found === undefined) return undefined;
    return found.shared ? `shared/${storage}` : `${host.name}/${storage}`;
  }

  #volumesAt(host: SimulatedHost, storage: string): Map<string, { readonly sizeBytes: bigint }> {
    const key = this.#keyOf(host, storage);
    if (key === undefined) {
      const known = host.facts.storages.map((candidate) => candidate.name).join(", ");
      throw new MusterError(
        "storage-failed",
        `host ${host.name} has no storage named "${storage}"`,
        { hint: `it has ${known}`, cause: new Error("Storage pool not found") },
      );
    }
    const volumes = this.#volumes.get(key) ?? new Map<string, { readonly sizeBytes: bigint }>();
    this.#volumes.set(key, volumes);
    return volumes;
  }

  isShared(host: SimulatedHost, storage: string): boolean {
    return host.facts.storages.some(({ name, shared }) => name === storage && shared);
  }

  list(host: SimulatedHost, storage: string): readonly string[] {
    return [...this.#volumesAt(host, storage).keys()];
  }

  usedBytes(host: SimulatedHost, storage: string): bigint {
    // Sparse: a sixteenth of the virtual size is on disk.
    return [...this.#volumesAt(host, storage).values()].reduce(
      (sum, volume) => sum + volume.sizeBytes / 16n,
      0n,
    );
  }

  has(host: SimulatedHost, storage: string, volume: string): boolean {
    return this.#volumesAt(host, storage).has(volume);
  }

  /** A base image for tests and demonstrations. */
  add(host: SimulatedHost, storage: string, volume: string): void {
    this.#volumesAt(host, storage).set(volume, { sizeBytes: 0n });
  }

  /** All or nothing: what cannot be made is found out first. */
  createMissing(host: SimulatedHost, vmId: VmId, spec: VmSpec): void {
    spec.disks.forEach((disk) => {
      this.#checkBase(host, disk);
    });
    spec.disks.forEach((disk, index) => {
      const volumes = this.#volumesAt(host, disk.storage);
      const name = volumeNameOf(vmId, index);
      if (!volumes.has(name)) volumes.set(name, { sizeBytes: disk.sizeBytes });
    });
  }

  #checkBase(host: SimulatedHost, disk: DiskSpec): void {
    const volumes = this.#volumesAt(host, disk.storage);
    if (disk.baseVolume === undefined || volumes.has(disk.baseVolume)) return;
    const message = `storage "${disk.storage}" on host ${host.name} has no base volume "${disk.baseVolume}"`;
    throw new MusterError("storage-failed", message);
  }

  remove(host: SimulatedHost, vmId: VmId, spec: VmSpec): void {
    for (const { storage, volume } of volumesOf(vmId, spec)) {
      if (this.#keyOf(host, storage) !== undefined) this.#volumesAt(host, storage).delete(volume);
    }
    this.removeSeed(host, vmId, spec);
  }

  placeSeed(host: SimulatedHost, vmId: VmId, spec: VmSpec): void {
    const storage = spec.disks[0]?.storage ?? "";
    this.#volumesAt(host, storage).set(seedVolumeOf(vmId), { sizeBytes: SEED_BYTES });
  }

  removeSeed(host: SimulatedHost, vmId: VmId, spec: VmSpec): void {
    const storage = spec.disks[0]?.storage;
    if (storage === undefined || this.#keyOf(host, storage) === undefined) return;
    this.#volumesAt(host, storage).delete(seedVolumeOf(vmId));
  }

  /** The first volume of the VM that the host does not see. */
  missing(
    host: SimulatedHost,
    vmId: VmId,
    spec: VmSpec,
  ): { readonly storage: string; readonly volume: string } | undefined {
    return volumesOf(vmId, spec).find(({ storage, volume }) => !this.has(host, storage, volume));
  }

  /** What tells this VM's disks on this host from all others; empty for storages it does not have. */
  diskKeys(host: SimulatedHost, vmId: VmId, spec: VmSpec): readonly string[] {
    return volumesOf(vmId, spec).flatMap(({ storage, volume }) => {
      const key = this.#keyOf(host, storage);
      return key === undefined ? [] : [`${key}/${volume}`];
    });
  }
}
