/** libvirt's states, statistics and job numbers → ours. Pure. */
import type { MigrationStats, VmState, VmUsage } from "@muster/model";
import type { DomainStateAndReason, TypedParameters } from "node-libvirt";

/** `isRunning`: libvirt has a process for it (its id is not -1). */
export function vmStateFrom(from: DomainStateAndReason, isRunning: boolean): VmState {
  switch (from.state) {
    case "running":
    case "blocked":
      return "running";
    case "paused":
    case "pmsuspended":
      return "paused";
    case "shutdown":
      return "stopping";
    case "shutoff":
      return from.reason === "crashed" ? "crashed" : "stopped";
    case "crashed":
      return "crashed";
    case "nostate":
    case "unknown":
      // A newer libvirt's word: whether it holds its disks is all that matters.
      return isRunning ? "running" : "stopped";
  }
}

/** A copy that receives a migration waits like this until the guest is here. */
export const isArriving = (from: DomainStateAndReason): boolean =>
  from.state === "paused" && (from.reason === "migration" || from.reason === "startingUp");

/** The source's copy after the guest has left. */
export const hasLeft = (from: DomainStateAndReason): boolean =>
  from.state === "shutoff" && from.reason === "migrated";

const KIB = 1024n;

/** Undefined when the domain did not answer the questions that need its process: it hangs or is busy. */
export function usageFromStats(stats: TypedParameters): VmUsage | undefined {
  const disks = numberOf(stats["block.count"]);
  const nics = numberOf(stats["net.count"]);
  const answered = indices(disks).some((disk) => stats[`block.${disk}.rd.reqs`] !== undefined);
  if (disks > 0 && !answered) return undefined;
  const block = (field: string): bigint => sum(stats, "block", disks, field);
  const net = (field: string): bigint => sum(stats, "net", nics, field);
  return {
    cpuTimeNs: bigintOf(stats["cpu.time"]),
    residentBytes: bigintOf(stats["balloon.rss"]) * KIB,
    diskReadBytes: block("rd.bytes"),
    diskWriteBytes: block("wr.bytes"),
    diskReadRequests: block("rd.reqs"),
    diskWriteRequests: block("wr.reqs"),
    networkReceiveBytes: net("rx.bytes"),
    networkTransmitBytes: net("tx.bytes"),
  };
}

const indices = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => String(index));

const sum = (stats: TypedParameters, group: string, count: number, field: string): bigint =>
  indices(count).reduce(
    (total, index) => total + bigintOf(stats[`${group}.${index}.${field}`]),
    0n,
  );

type Value = TypedParameters[string] | undefined;

function bigintOf(value: Value): bigint {
  if (typeof value === "bigint") return value;
  return typeof value === "number" && Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n;
}

const numberOf = (value: Value): number => Number(bigintOf(value));

/** VIR_DOMAIN_JOB_OPERATION_MIGRATION_IN and _OUT. */
const OPERATION_MIGRATION_IN = 4;
const OPERATION_MIGRATION_OUT = 5;

export const isMigrationOut = (job: TypedParameters): boolean =>
  numberOf(job["operation"]) === OPERATION_MIGRATION_OUT;

export const isMigration = (job: TypedParameters): boolean =>
  isMigrationOut(job) || numberOf(job["operation"]) === OPERATION_MIGRATION_IN;

export function migrationStatsFrom(job: TypedParameters): MigrationStats {
  const pageBytes = bigintOf(job["memory_page_size"]);
  return {
    processedBytes: bigintOf(job["data_processed"]),
    remainingBytes: bigintOf(job["data_remaining"]),
    totalBytes: bigintOf(job["data_total"]),
    bytesPerSecond: bigintOf(job["memory_bps"]) + bigintOf(job["disk_bps"]),
    iteration: numberOf(job["memory_iteration"]),
    dirtyBytesPerSecond: bigintOf(job["memory_dirty_rate"]) * pageBytes,
    downtimeMs: numberOf(job["downtime"]),
    elapsedMs: numberOf(job["time_elapsed"]),
  };
}

/** What the job is at, as far as its numbers tell. */
export function migrationPhaseFrom(job: TypedParameters): string {
  const memoryBegan = bigintOf(job["memory_total"]) > 0n || numberOf(job["memory_iteration"]) > 0;
  if (memoryBegan) return "copying memory";
  return bigintOf(job["disk_total"]) > 0n ? "copying disks" : "preparing";
}
