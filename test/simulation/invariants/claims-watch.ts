/**
 * S3: no decision claims more than a host has, or breaks a required rule. A VM that was found on a host was not decided
 * to be there: a move that libvirt began after everybody had given it up may fill a host beyond what is allowed.
 */
import type { SimulatedWorld } from "@muster/agent/simulated";
import type { AppliedChange, CapacityPolicy, LedgerView } from "@muster/coordinator";
import type { HostId, HostRecord, VmId } from "@muster/model";
import { claimedOn } from "./check-plans.ts";

export class ClaimsWatch {
  readonly #world: SimulatedWorld;
  readonly #capacity: CapacityPolicy;
  /** Who was charged on each host when it was looked at last. */
  readonly #charged = new Map<HostId, ReadonlySet<string>>();

  constructor(parts: { readonly world: SimulatedWorld; readonly capacity: CapacityPolicy }) {
    this.#world = parts.world;
    this.#capacity = parts.capacity;
  }

  check(changes: readonly AppliedChange[], view: LedgerView): readonly string[] {
    const found = new Set<string>(changes.flatMap((change) => this.#found(change, view)));
    return [...view.hosts.values()].flatMap((host) => {
      const charged = chargedOn(host, view);
      const before = this.#charged.get(host.id) ?? new Set();
      this.#charged.set(host.id, charged);
      const isDecided = [...charged].some((who) => !before.has(who) && !found.has(who));
      return isDecided ? this.#checkHost(host, view) : [];
    });
  }

  /** Its record follows where it runs, and nobody works on it. */
  #found(change: AppliedChange, view: LedgerView): readonly VmId[] {
    if (change.kind !== "vm" || change.change !== "put" || change.before === undefined) return [];
    const { before, value } = change;
    const hostId = value.placement?.hostId;
    if (hostId === undefined || hostId === before.placement?.hostId) return [];
    if (before.operationId !== undefined || value.operationId !== undefined) return [];
    const host = view.hosts.get(hostId)?.name ?? "";
    return this.#world.runningOn(value.id).includes(host) ? [value.id] : [];
  }

  #checkHost(host: HostRecord, view: LedgerView): readonly string[] {
    const broken: string[] = [];
    const placed = vmsOn(host, view);
    const { facts } = this.#world.host(host.name);
    const waiting = claimedOn(host, view);
    const cpus = placed.reduce((sum, vm) => sum + vm.spec.cpus, waiting.cpus);
    const memory = placed.reduce((sum, vm) => sum + vm.spec.memoryBytes, waiting.memoryBytes);
    const cpusMax = facts.cpus * this.#capacity.cpuOvercommit;
    const memoryMax = facts.memoryBytes - this.#capacity.memoryReservedBytes;
    if (cpus > cpusMax) {
      broken.push(`S3: ${host.name} has ${String(cpus)} of ${String(cpusMax)} CPUs claimed`);
    }
    if (memory > memoryMax) {
      broken.push(`S3: ${host.name} has ${String(memory)} of ${String(memoryMax)} bytes claimed`);
    }
    const groups = placed.flatMap((vm) => vm.spec.antiAffinityGroups);
    if (new Set(groups).size !== groups.length) {
      broken.push(`S3: ${host.name} has two VMs of one anti-affinity group`);
    }
    return broken;
  }
}

const vmsOn = (host: HostRecord, view: LedgerView) =>
  [...view.vms.values()].filter(
    (vm) => vm.placement?.hostId === host.id || vm.target?.hostId === host.id,
  );

const chargedOn = (host: HostRecord, view: LedgerView): ReadonlySet<string> =>
  new Set([
    ...vmsOn(host, view).map(({ id }) => id),
    ...[...view.claims.values()]
      .filter(({ hostId }) => hostId === host.id)
      .map(({ name }) => `claim ${name}`),
  ]);
