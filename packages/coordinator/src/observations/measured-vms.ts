/**
 * What each VM uses, from the counters in its host's reports: smoothed, so that a burst moves nobody, and in steps, so
 * that noise does not make every snapshot another one. In memory; known again two reports after a restart.
 */
import { isActive, type HostId, type VmId, type VmObservation, type VmUsage } from "@muster/model";
import type { VmMeasured } from "@muster/planner";

interface Track {
  /** The counters themselves: a report that does not speak of a VM leaves them as they are. */
  readonly usage: VmUsage;
  readonly atMs: number;
  /** Smoothed; absent after one report. */
  readonly cpus?: number;
  readonly shown?: VmMeasured;
}

/** After as long as this a change has had two thirds of its effect: balancing is about hours, not seconds. */
const SMOOTHING_MS = 10 * 60_000;
/** Reports closer together say more about their timing than about the VM. */
const BETWEEN_MS_MIN = 1_000;
const NS_PER_MS = 1e6;
const CPU_STEP = 0.25;
const MEMORY_STEP_BYTES = 64n * 1024n * 1024n;

export class MeasuredVms {
  readonly #tracks = new Map<HostId, Map<VmId, Track>>();
  readonly #hostOf = new Map<VmId, HostId>();

  /** What the VM uses on this host: the same object until it changes by a step. */
  get(vmId: VmId, hostId: HostId): VmMeasured | undefined {
    return this.#tracks.get(hostId)?.get(vmId)?.shown;
  }

  /** A host reported. */
  reported(hostId: HostId, vms: Iterable<VmObservation>, nowMs: number): void {
    const before = this.#tracks.get(hostId);
    const after = new Map<VmId, Track>();
    for (const vm of vms) {
      const { usage } = vm;
      if (!vm.managed || !isActive(vm.state) || usage === undefined) continue;
      const earlier = before?.get(vm.id) ?? this.#elsewhere(vm.id);
      after.set(vm.id, next({ usage, cpus: vm.cpus }, earlier, nowMs));
      this.#hostOf.set(vm.id, hostId);
    }
    for (const vmId of before?.keys() ?? []) {
      if (!after.has(vmId) && this.#hostOf.get(vmId) === hostId) this.#hostOf.delete(vmId);
    }
    this.#tracks.set(hostId, after);
  }

  forget(hostId: HostId): void {
    for (const vmId of this.#tracks.get(hostId)?.keys() ?? []) this.#hostOf.delete(vmId);
    this.#tracks.delete(hostId);
  }

  /** A VM that moved keeps what was known of it; its counters begin anew. */
  #elsewhere(vmId: VmId): Track | undefined {
    const hostId = this.#hostOf.get(vmId);
    return hostId === undefined ? undefined : this.#tracks.get(hostId)?.get(vmId);
  }
}

function next(
  { usage, cpus: cpusMax }: { readonly usage: VmUsage; readonly cpus: number },
  before: Track | undefined,
  atMs: number,
): Track {
  if (before === undefined) return { usage, atMs };
  const elapsedMs = atMs - before.atMs;
  if (usage === before.usage || elapsedMs < BETWEEN_MS_MIN) return before;
  // Counters that ran back are those of another host: what was known stays until the next report.
  if (usage.cpuTimeNs < before.usage.cpuTimeNs) return { ...before, usage, atMs };
  const used = Math.min(
    cpusMax,
    Number(usage.cpuTimeNs - before.usage.cpuTimeNs) / NS_PER_MS / elapsedMs,
  );
  const weight = before.cpus === undefined ? 1 : 1 - Math.exp(-elapsedMs / SMOOTHING_MS);
  const cpus = (before.cpus ?? 0) * (1 - weight) + used * weight;
  return { usage, atMs, cpus, shown: shownOf(cpus, usage.residentBytes, before.shown) };
}

/** Moves by whole steps only, and only when the value is most of a step away: no flapping between two. */
function shownOf(cpus: number, memoryBytes: bigint, before: VmMeasured | undefined): VmMeasured {
  const isNear =
    before !== undefined &&
    Math.abs(before.cpus - cpus) < CPU_STEP * 0.8 &&
    distance(before.memoryBytes, memoryBytes) < MEMORY_STEP_BYTES;
  if (isNear) return before;
  return {
    cpus: Math.round(cpus / CPU_STEP) * CPU_STEP,
    memoryBytes: ((memoryBytes + MEMORY_STEP_BYTES / 2n) / MEMORY_STEP_BYTES) * MEMORY_STEP_BYTES,
  };
}

const distance = (a: bigint, b: bigint): bigint => (a > b ? a - b : b - a);
