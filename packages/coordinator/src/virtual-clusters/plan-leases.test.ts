import type { VirtualClusterRecord } from "@muster/model";
import { describe, expect, it } from "vitest";
import { viewOf } from "../testing/builders.ts";
import { aVirtualCluster } from "../testing/virtual-clusters.ts";
import { planLeases } from "./plan-leases.ts";

const END = "2026-01-01T08:00:00.000Z";
const END_MS = Date.parse(END);

const steps = (
  change: Partial<VirtualClusterRecord>,
  atMs: number,
  isActive = true,
): readonly string[] =>
  planLeases(viewOf(["virtual-cluster", aVirtualCluster("pc", change)]), atMs, () => isActive).map(
    ({ kind }) => kind,
  );

const lease = { endsAt: END, warnSeconds: 600 };

describe("the lease of a virtual cluster", () => {
  it.each<readonly [string, Partial<VirtualClusterRecord>, number, boolean, readonly string[]]>([
    ["without one nothing happens", {}, END_MS, true, []],
    ["long before its end nothing happens", { lease }, END_MS - 600_001, true, []],
    ["people are warned", { lease }, END_MS - 600_000, true, ["warn"]],
    ["once", { lease: { ...lease, warnedAt: END } }, END_MS - 1, true, []],
    ["at its end it is shut down", { lease }, END_MS, true, ["shutdown"]],
    ["and cleaned once nothing runs", { lease }, END_MS, false, ["clean"]],
    ["what was never whole is cleaned at once", { lease, booted: false }, END_MS, true, ["clean"]],
  ])("%s", (_name, change, atMs, isActive, expected) => {
    expect(steps(change, atMs, isActive)).toStrictEqual(expected);
  });
});
