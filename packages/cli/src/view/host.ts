/** Hosts as the CLI shows them. Field names are those of `-o json`: a contract with scripts. */
import type { FenceDevice, Host, HostTraits } from "@muster/proto/admin";
import type { HostInventory, HostLoad } from "@muster/proto/types";
import { decodeNetworkObservation, type NetworkObservationView } from "./network.ts";
import { hostStateWord, type HostStateWord } from "./words.ts";

export interface HostView {
  readonly id: string;
  readonly name: string;
  readonly state: HostStateWord;
  readonly cordoned: boolean;
  readonly cordonReason: string;
  readonly capacityCpus: number;
  readonly capacityMemoryBytes: bigint;
  readonly claimedCpus: number;
  readonly claimedMemoryBytes: bigint;
  readonly vmCount: number;
  readonly wildVmCount: number;
  /** Milliseconds since it was last heard; 0 while connected. */
  readonly silentMs: bigint;
  readonly agentVersion: string;
  readonly certificateExpiresAt: string;
  readonly metricsAddress: string;
  /** 0: none is armed. */
  readonly watchdogTimeoutMs: number;
  /** Why it is certain that it runs nothing; empty: it is not. */
  readonly off: string;
  readonly fenceDevices: readonly Readonly<FenceDevice>[];
  readonly networks: readonly NetworkObservationView[];
  /** Absent until the first report. */
  readonly load?: Readonly<HostLoad>;
  /** Absent until the first report. */
  readonly inventory?: Readonly<HostInventory>;
  /** What people say of it; absent: nothing. */
  readonly traits?: Readonly<HostTraits>;
}

export function decodeHost(wire: Host): HostView {
  return {
    id: wire.id,
    name: wire.name,
    state: hostStateWord(wire.state),
    cordoned: wire.cordoned,
    cordonReason: wire.cordonReason,
    capacityCpus: wire.capacityCpus,
    capacityMemoryBytes: wire.capacityMemoryBytes,
    claimedCpus: wire.claimedCpus,
    claimedMemoryBytes: wire.claimedMemoryBytes,
    vmCount: wire.vmCount,
    wildVmCount: wire.wildVmCount,
    silentMs: wire.silentMs,
    agentVersion: wire.agentVersion,
    certificateExpiresAt: wire.certificateExpiresAt,
    metricsAddress: wire.metricsAddress,
    watchdogTimeoutMs: wire.watchdogTimeoutMs,
    off: wire.off,
    fenceDevices: wire.fenceDevices,
    networks: wire.networks.map(decodeNetworkObservation),
    ...(wire.load === undefined ? {} : { load: wire.load }),
    ...(wire.inventory === undefined ? {} : { inventory: wire.inventory }),
    ...(wire.traits === undefined ? {} : { traits: wire.traits }),
  };
}
