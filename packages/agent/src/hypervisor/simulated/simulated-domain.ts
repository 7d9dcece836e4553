/** What a simulated libvirt knows of a domain, and how it is observed. */
import type { ClusterId, VmId, VmObservation, VmSpec, VmState, VmUsage } from "@muster/model";
import type { VmMark } from "../domain-xml/mark.ts";
import { volumeNameOf } from "../domain-xml/render-domain.ts";
import type { SimulatedGuest } from "./guest.ts";
import type { MigrationJob } from "./migration-job.ts";

export interface DomainConfig {
  readonly spec: VmSpec;
  /** Absent: a wild VM. */
  readonly mark: VmMark | undefined;
}

/** A domain that holds its disks open, or is on its way in. */
export interface LiveDomain {
  config: DomainConfig;
  readonly guest: SimulatedGuest;
  state: "running" | "paused" | "stopping";
  /** A copy that receives a migration: no owner of the disks yet. */
  incoming: boolean;
  readonly startedAtMs: number;
  /** The migration away from here. */
  job: MigrationJob | undefined;
  /** The power button was pressed while it could not react. */
  shutdownPending: boolean;
  /** Who reads its serial console: one at a time, as with libvirt. */
  console: { readonly end: () => void } | undefined;
}

export interface SimulatedDomain {
  readonly vmId: VmId;
  /** The persistent definition; absent: transient. */
  config: DomainConfig | undefined;
  live: LiveDomain | undefined;
  /** libvirt's word for how it came into its state. */
  reason: string;
  crashed: boolean;
}

export const newDomain = (vmId: VmId): SimulatedDomain => ({
  vmId,
  config: undefined,
  live: undefined,
  reason: "unknown",
  crashed: false,
});

/** The live one, as libvirt shows it. */
export const currentConfig = (domain: SimulatedDomain): DomainConfig | undefined =>
  domain.live?.config ?? domain.config;

/** Owns its disks: is or could at once be writing to them. */
export const isOwner = (domain: SimulatedDomain): boolean =>
  domain.live !== undefined && !domain.live.incoming;

export const volumesOf = (
  vmId: VmId,
  spec: VmSpec,
): readonly { readonly storage: string; readonly volume: string }[] =>
  spec.disks.map((disk, index) => ({
    storage: disk.storage,
    volume: volumeNameOf(vmId, index),
  }));

function stateOf(domain: SimulatedDomain): VmState {
  if (domain.live !== undefined) return domain.live.state;
  return domain.crashed ? "crashed" : "stopped";
}

export const isManaged = (
  config: DomainConfig | undefined,
  clusterId: ClusterId | undefined,
): boolean =>
  config?.mark !== undefined && (clusterId === undefined || config.mark.clusterId === clusterId);

export function observationOf(
  domain: SimulatedDomain,
  clusterId: ClusterId | undefined,
): VmObservation | undefined {
  const config = currentConfig(domain);
  if (config === undefined) return undefined;
  const managed = isManaged(config, clusterId);
  return {
    id: domain.vmId,
    name: config.spec.name,
    state: stateOf(domain),
    reason: domain.reason,
    managed,
    generation: managed ? (config.mark?.generation ?? 0) : 0,
    cpus: config.spec.cpus,
    memoryBytes: config.spec.memoryBytes,
    macs: config.spec.nics.map((nic) => nic.mac),
    migrating: domain.live?.job !== undefined || domain.live?.incoming === true,
    persistent: domain.config !== undefined,
  };
}

/** Plausible counters that grow while the guest runs; from its own time, so the same history gives the same. */
export function usageOf(live: LiveDomain, nowMs: number): VmUsage {
  const { spec } = live.config;
  const here = BigInt(Math.max(0, Math.floor(nowMs - live.startedAtMs)));
  const ran = BigInt(Math.floor(live.guest.ranMs));
  const busy = ran < here ? ran : here;
  const hasDisk = spec.disks.length > 0 ? 1n : 0n;
  const hasNic = spec.nics.length > 0 ? 1n : 0n;
  return {
    // A tenth of each CPU.
    cpuTimeNs: busy * 100_000n * BigInt(spec.cpus),
    residentBytes: (spec.memoryBytes * 3n) / 5n,
    diskReadBytes: busy * 256n * hasDisk,
    diskWriteBytes: busy * 512n * hasDisk,
    diskReadRequests: (busy / 16n) * hasDisk,
    diskWriteRequests: (busy / 8n) * hasDisk,
    networkReceiveBytes: busy * 128n * hasNic,
    networkTransmitBytes: busy * 64n * hasNic,
  };
}
