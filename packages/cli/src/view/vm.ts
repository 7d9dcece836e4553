/** VMs as the CLI shows them. Field names are those of `-o json`: a contract with scripts. */
import { uuidFromBytes } from "@muster/model";
import { viewVmSpec, type VmSpecView } from "@muster/model/wire";
import type { Vm, VmRules } from "@muster/proto/admin";
import type { VmObservation, VmUsage } from "@muster/proto/types";
import { vmObservedWord, vmStateWord, type VmObservedWord, type VmStateWord } from "./words.ts";

export interface VmObservationView {
  readonly id: string;
  readonly name: string;
  readonly state: VmObservedWord;
  readonly reason: string;
  readonly managed: boolean;
  readonly generation: number;
  readonly cpus: number;
  readonly memoryBytes: bigint;
  readonly macs: readonly string[];
  readonly usage?: Readonly<VmUsage>;
  readonly migrating: boolean;
  readonly persistent: boolean;
}

export interface VmView {
  readonly id: string;
  readonly name: string;
  readonly state: VmStateWord;
  /** Empty: none. */
  readonly host: string;
  /** Empty: it does not move. */
  readonly targetHost: string;
  readonly managed: boolean;
  /** Absent for wild VMs. */
  readonly spec?: VmSpecView;
  readonly observed?: VmObservationView;
  /** Milliseconds; 0 while its host is connected. */
  readonly observedAgeMs: bigint;
  readonly generation: number;
  /** Empty: nothing works on it. */
  readonly operationId: string;
  readonly createdAt: string;
  /** Empty: nothing ails it. */
  readonly trouble: string;
  /** Absent: it may run anywhere. */
  readonly rules?: Readonly<VmRules>;
  /** Absent: no drain took it away from anywhere. */
  readonly awayFrom?: string;
  /** "running" or "stopped"; empty: nobody has said. */
  readonly wanted: string;
  readonly restarts: number;
  /** Empty: the cluster restarts it as its policy says. */
  readonly haError: string;
}

function decodeObservation(wire: VmObservation): VmObservationView {
  return {
    id: uuidFromBytes(wire.uuid, "observed vm id"),
    name: wire.name,
    state: vmObservedWord(wire.state),
    reason: wire.reason,
    managed: wire.managed,
    generation: wire.generation,
    cpus: wire.cpus,
    memoryBytes: wire.memoryBytes,
    macs: wire.macs,
    ...(wire.usage === undefined ? {} : { usage: wire.usage }),
    migrating: wire.migrating,
    persistent: wire.persistent,
  };
}

export function decodeVm(wire: Vm): VmView {
  return {
    id: wire.id,
    name: wire.name,
    state: vmStateWord(wire.state),
    host: wire.host,
    targetHost: wire.targetHost,
    managed: wire.managed,
    ...(wire.spec === undefined ? {} : { spec: viewVmSpec(wire.spec) }),
    ...(wire.observed === undefined ? {} : { observed: decodeObservation(wire.observed) }),
    observedAgeMs: wire.observedAgeMs,
    generation: wire.generation,
    operationId: wire.operationId,
    createdAt: wire.createdAt,
    trouble: wire.trouble,
    ...(wire.rules === undefined ? {} : { rules: wire.rules }),
    ...(wire.awayFrom === "" ? {} : { awayFrom: wire.awayFrom }),
    wanted: wire.wanted,
    restarts: wire.restarts,
    haError: wire.haError,
  };
}
