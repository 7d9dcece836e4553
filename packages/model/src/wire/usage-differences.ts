/** What VMs have used, as columns of differences: most are small, and many are 0. */
import type * as pb from "@muster/proto/dispatch";
import { invalid } from "../errors.ts";
import type { VmUsage } from "../vm.ts";
import { fieldAt, measuredUint64 } from "./fields.ts";

type ColumnName = Exclude<keyof pb.UsageDifferences, "vms">;

interface Column {
  readonly usage: keyof VmUsage;
  readonly name: ColumnName;
  /** What one on the wire stands for; smaller amounts are not told. */
  readonly unit: bigint;
}

/** libvirt counts memory in KiB, and a nanosecond of CPU time says nothing but costs two bytes a VM. */
const columns: readonly Column[] = [
  { usage: "cpuTimeNs", name: "cpuTimeUs", unit: 1_000n },
  { usage: "residentBytes", name: "residentKib", unit: 1_024n },
  { usage: "diskReadBytes", name: "diskReadBytes", unit: 1n },
  { usage: "diskWriteBytes", name: "diskWriteBytes", unit: 1n },
  { usage: "diskReadRequests", name: "diskReadRequests", unit: 1n },
  { usage: "diskWriteRequests", name: "diskWriteRequests", unit: 1n },
  { usage: "networkReceiveBytes", name: "networkReceiveBytes", unit: 1n },
  { usage: "networkTransmitBytes", name: "networkTransmitBytes", unit: 1n },
];

const noUsage: VmUsage = {
  cpuTimeNs: 0n,
  residentBytes: 0n,
  diskReadBytes: 0n,
  diskWriteBytes: 0n,
  diskReadRequests: 0n,
  diskWriteRequests: 0n,
  networkReceiveBytes: 0n,
  networkTransmitBytes: 0n,
};

/** The usage as the other side will see it. */
export function toldUsage(usage: VmUsage): VmUsage {
  const told: Record<keyof VmUsage, bigint> = { ...noUsage };
  for (const column of columns) {
    const value = measuredUint64(usage[column.usage]);
    told[column.usage] = column.unit === 1n ? value : value - (value % column.unit);
  }
  return told;
}

export interface UsageRow {
  readonly number: number;
  /** Undefined: nothing was told of this VM yet. */
  readonly before: VmUsage | undefined;
  /** By `toldUsage`. */
  readonly now: VmUsage;
}

/** Undefined: nothing differs. Counters go back when a domain starts anew, so differences have signs. */
export function encodeUsage(rows: readonly UsageRow[]): pb.UsageDifferences | undefined {
  const changed = rows.filter(
    ({ before, now }) =>
      before === undefined || columns.some(({ usage }) => before[usage] !== now[usage]),
  );
  if (changed.length === 0) return undefined;
  const differences = (name: ColumnName): bigint[] => {
    const column = columns.find((each) => each.name === name);
    if (column === undefined) return [];
    const values = changed.map(({ before = noUsage, now }) =>
      // Modulo 2^64, so that every difference of two counters has a form on the wire.
      BigInt.asIntN(64, now[column.usage] / column.unit - before[column.usage] / column.unit),
    );
    return values.every((value) => value === 0n) ? [] : values;
  };
  return {
    vms: changed.map(({ number }) => number),
    cpuTimeUs: differences("cpuTimeUs"),
    residentKib: differences("residentKib"),
    diskReadBytes: differences("diskReadBytes"),
    diskWriteBytes: differences("diskWriteBytes"),
    diskReadRequests: differences("diskReadRequests"),
    diskWriteRequests: differences("diskWriteRequests"),
    networkReceiveBytes: differences("networkReceiveBytes"),
    networkTransmitBytes: differences("networkTransmitBytes"),
  };
}

/** Refuses columns of another length. */
export function checkUsage(wire: pb.UsageDifferences, field: string): void {
  for (const { name } of columns) {
    const { length } = wire[name];
    if (length === 0 || length === wire.vms.length) continue;
    const problem = `${String(length)} entries for ${String(wire.vms.length)} VMs`;
    throw invalid(fieldAt(field, name), problem);
  }
}

/** The usage of the VM in the row of that index. */
export function decodeUsage(
  wire: pb.UsageDifferences,
  index: number,
  before: VmUsage | undefined,
): VmUsage {
  const now: Record<keyof VmUsage, bigint> = { ...(before ?? noUsage) };
  for (const { usage, name, unit } of columns) {
    const difference = wire[name][index];
    if (difference === undefined || difference === 0n) continue;
    now[usage] = BigInt.asUintN(64, now[usage] + difference * unit);
  }
  return now;
}
