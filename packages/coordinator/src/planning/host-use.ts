/** What of a host may be placed and what is claimed, for people and metrics. Pure. */
import { isActive, type HostRecord, type VmObservation, type VmRecord } from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";
import type { Observations } from "../observations/observations.ts";
import type { CapacityPolicy } from "./cluster-snapshot.ts";

export interface HostUse {
  /** Virtual CPUs that may be placed. */
  readonly capacityCpus: number;
  readonly capacityMemoryBytes: bigint;
  /** By VMs placed here, VMs on their way here, and active wild VMs. */
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
  const placed = [...view.vms.values()].filter(
    (vm) => vm.placement?.hostId === host.id || vm.target?.hostId === host.id,
  );
  const wild = [...(observed?.vms.values() ?? [])].filter((vm) => !view.vms.has(vm.id));
  const charged = [
    ...placed.map(({ spec }) => spec),
    ...wild.filter(({ state }) => isActive(state)),
  ];
  const memory = (inventory?.memoryBytes ?? 0n) - capacity.memoryReservedBytes;
  return {
    capacityCpus: Math.floor((inventory?.cpu.logicalCpus ?? 0) * capacity.cpuOvercommit),
    capacityMemoryBytes: memory > 0n ? memory : 0n,
    claimedCpus: charged.reduce((sum, { cpus }) => sum + cpus, 0),
    claimedMemoryBytes: charged.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0n),
    placed,
    wild,
  };
}
