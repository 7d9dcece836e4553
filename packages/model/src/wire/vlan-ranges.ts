import type * as pb from "@muster/proto/types";
import { invalid } from "../errors.ts";
import { parseVlan } from "../names.ts";
import type { VlanRange } from "../network.ts";
import { fieldAt, readList } from "./fields.ts";

/** Longer lists are better written as fewer ranges; the whole space is 4094 ids. */
const RANGES_MAX = 256;

function decodeRange(wire: pb.VlanRange, field: string): VlanRange {
  const first = parseVlan(wire.first, fieldAt(field, "first"));
  const last = wire.last === 0 ? first : parseVlan(wire.last, fieldAt(field, "last"));
  if (last < first) {
    throw invalid(field, `${String(first)}-${String(last)} ends before it begins`);
  }
  return { first, last };
}

/** In order and without overlap. Throws MusterError "invalid". */
export function decodeVlanRanges(
  wire: readonly pb.VlanRange[],
  field: string,
): readonly VlanRange[] {
  const ranges = readList(wire, { field, max: RANGES_MAX }, decodeRange).toSorted(
    (left, right) => left.first - right.first,
  );
  ranges.forEach((range, index) => {
    const before = ranges[index - 1];
    if (before === undefined || before.last < range.first) return;
    throw invalid(field, `VLAN ${String(range.first)} is in it twice`);
  });
  return ranges;
}

export const encodeVlanRanges = (ranges: readonly VlanRange[]): pb.VlanRange[] =>
  ranges.map(({ first, last }) => ({ first, last }));
