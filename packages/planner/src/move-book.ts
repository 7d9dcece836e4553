import type { PlaceAnswer, PlaceOptions } from "./answer.ts";
import { disksByStorage } from "./compile.ts";
import { migrationCost } from "./migration-cost.ts";
import type { MoveCost } from "./motion.ts";
import { Planner } from "./planner.ts";
import type { Refusal } from "./refusal.ts";
import type { HostSnapshot, PlaceRequest, Snapshot, VmSnapshot } from "./snapshot.ts";

/**
 * Plays moves through on the accounts of a snapshot, one hard rule check after the other. A VM on its way is
 * charged on both hosts, as it will be in truth.
 */
export class MoveBook {
  readonly planner: Planner;
  readonly #vms: ReadonlyMap<string, VmSnapshot>;
  readonly #hosts: ReadonlyMap<string, HostSnapshot>;
  readonly #hostOf = new Map<string, string>();
  readonly #requests = new Map<string, PlaceRequest>();

  constructor(snapshot: Snapshot) {
    this.planner = new Planner(snapshot);
    this.#hosts = new Map(snapshot.hosts.map((host) => [host.id, host]));
    this.#vms = new Map(snapshot.vms.map((vm) => [vm.id, vm]));
    for (const vm of snapshot.vms) if (vm.hostId !== undefined) this.#hostOf.set(vm.id, vm.hostId);
  }

  vm(vmId: string): VmSnapshot {
    const vm = this.#vms.get(vmId);
    if (vm === undefined) throw new Error(`there is no vm ${vmId} in the snapshot`);
    return vm;
  }

  host(hostId: string): HostSnapshot {
    const host = this.#hosts.get(hostId);
    if (host === undefined) throw new Error(`there is no host ${hostId} in the snapshot`);
    return host;
  }

  /** Where the VM is after the moves played so far. */
  hostOf(vmId: string): string | undefined {
    return this.#hostOf.get(vmId);
  }

  canMove(vmId: string, toHostId: string): boolean {
    return this.planner.fits(this.request(vmId), toHostId);
  }

  whyNot(vmId: string, toHostId: string): readonly Refusal[] {
    return this.planner.whyNot(this.request(vmId), toHostId);
  }

  /** Where it would best go from where it is. */
  place(
    vmId: string,
    exclude: PlaceRequest["exclude"] = [],
    options: PlaceOptions = {},
  ): PlaceAnswer {
    const request = this.request(vmId);
    return this.planner.place(exclude.length === 0 ? request : { ...request, exclude }, options);
  }

  begin(vmId: string, toHostId: string): void {
    this.planner.claim(this.request(vmId), toHostId);
  }

  /** Takes back a move that was begun. */
  abandon(vmId: string, toHostId: string): void {
    this.planner.release(vmId, toHostId);
  }

  end(vmId: string, toHostId: string): void {
    this.planner.arrive(vmId, toHostId);
    this.#hostOf.set(vmId, toHostId);
    this.#requests.delete(vmId);
  }

  /** Storages of the VM that no other host shares with its own. */
  localStorages(vmId: string): readonly string[] {
    const from = this.#hosts.get(this.#hostOf.get(vmId) ?? "");
    const names = new Set((this.vm(vmId).disks ?? []).map((disk) => disk.storage));
    return (from?.storages ?? [])
      .filter((storage) => names.has(storage.name) && !storage.shared)
      .map((storage) => storage.name);
  }

  costOf(vmId: string, toHostId: string): MoveCost {
    const vm = this.vm(vmId);
    const from = this.host(this.#hostOf.get(vmId) ?? toHostId);
    const { storages } = this.planner.usage;
    const indexes = this.planner.usage.hostIndexById;
    const [fromIndex, toIndex] = [indexes.get(from.id) ?? -1, indexes.get(toHostId) ?? -1];
    const volumesMiB = disksByStorage(this.planner.usage, vm).reduce(
      (total, disk) => total + storages.neededMiB(disk, toIndex, fromIndex),
      0,
    );
    return migrationCost(vm, { from, to: this.host(toHostId), volumesMiB });
  }

  request(vmId: string): PlaceRequest {
    const known = this.#requests.get(vmId);
    if (known !== undefined) return known;
    const vm = this.vm(vmId);
    const hostId = this.#hostOf.get(vmId);
    const request: PlaceRequest = hostId === undefined ? { vm } : { vm, fromHostId: hostId };
    this.#requests.set(vmId, request);
    return request;
  }
}
