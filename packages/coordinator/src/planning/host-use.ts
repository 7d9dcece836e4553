/** What of a host may be placed and what is claimed, for people and metrics. Pure. */
import { isActive, type HostRecord, type VmObservation, type VmRecord } from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";
import type { Observations } from "../observations/observations.ts";
import { capacityPart, type CapacityPolicy } from "./cluster-snapshot.ts";

export interface HostUse {
  /** Virtual CPUs that may be placed. */
  readonly capacityCpus: number;
  readonly capacityMemoryBytes: bigint;
  /** By VMs placed here, VMs on their way here, claims that wait for theirs, and active wild VMs. */
  readonly claimedCpus: number;
  readonly claimedMemoryBytes: bigint;
  readonly placed: readonly VmRecord[];
  /** Domains here that the ledger does not know. */
  readonly wild: readonly VmObservation[];
}

export function hostUse(
  host: HostRecord,
  sources: {
    readonly view: LedgerView;
    readonly observations: Observations;
    readonly capacity: CapacityPolicy;
  },
): HostUse {
  const { view, observations, capacity } = sources;
  const observed = observations.get(host.id);
  const inventory = observed?.inventory;
  const placed = [...view.vmsOn(host.id).values()];
  const wild = [...(observed?.vms.values() ?? [])].filter((vm) => !view.vms.has(vm.id));
  const charged = [
    ...placed.map(({ spec }) => spec),
    ...[...view.claims.values()].filter(({ hostId }) => hostId === host.id),
    ...wild.filter(({ state }) => isActive(state)),
  ];
  const has = capacityPart(host, inventory, capacity);
  const threads = Math.max(0, has.cpus - (has.cpusReserved ?? 0));
  const pages = (has.hugepages ?? []).map(({ pageBytes, count }) => pageBytes * BigInt(count));
  const huge = pages.reduce((sum, bytes) => sum + bytes, 0n);
  const kept = has.memoryBytes - (has.memoryReservedBytes ?? 0n) - huge;
  const memory = BigInt(Math.floor(Number(kept) * (has.memoryOvercommit ?? 1)));
  return {
    capacityCpus: Math.floor(threads * (has.cpuOvercommit ?? 1)),
    capacityMemoryBytes: memory > 0n ? memory : 0n,
    claimedCpus: charged.reduce((sum, { cpus }) => sum + cpus, 0),
    claimedMemoryBytes: charged.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0n),
    placed,
    wild,
  };
}
