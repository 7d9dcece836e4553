/** VMs as the CLI shows them. Field names are those of `-o json`: a contract with scripts. */
import { renderVlans, uuidFromBytes } from "@muster/model";
import type { Vm, VmRules } from "@muster/proto/admin";
import type { NicRates, NicSpec, VmObservation, VmSpec, VmUsage } from "@muster/proto/types";
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

/** A NIC without what is as usual, so that it can be given back in a spec file. */
export interface NicView {
  readonly network: string;
  readonly mac: string;
  readonly addresses?: readonly string[];
  readonly trunk?: string;
  readonly model?: string;
  readonly rates?: Readonly<NicRates>;
  readonly unguarded?: boolean;
  readonly bootOrder?: number;
  readonly linkDown?: boolean;
}

export type VmSpecView = Readonly<Omit<VmSpec, "nics">> & { readonly nics: readonly NicView[] };

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

const decodeNic = (wire: NicSpec): NicView => ({
  network: wire.network,
  mac: wire.mac,
  ...(wire.addresses.length === 0 ? {} : { addresses: wire.addresses }),
  ...(wire.trunk.length === 0 ? {} : { trunk: renderVlans(wire.trunk) }),
  ...(wire.model === "" ? {} : { model: wire.model }),
  ...(wire.rates === undefined ? {} : { rates: wire.rates }),
  ...(wire.unguarded ? { unguarded: true } : {}),
  ...(wire.bootOrder === 0 ? {} : { bootOrder: wire.bootOrder }),
  ...(wire.linkDown ? { linkDown: true } : {}),
});

const decodeSpec = (wire: VmSpec): VmSpecView => ({ ...wire, nics: wire.nics.map(decodeNic) });

export function decodeVm(wire: Vm): VmView {
  return {
    id: wire.id,
    name: wire.name,
    state: vmStateWord(wire.state),
    host: wire.host,
    targetHost: wire.targetHost,
    managed: wire.managed,
    ...(wire.spec === undefined ? {} : { spec: decodeSpec(wire.spec) }),
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
