import { snapshotHash, type Snapshot } from "@muster/planner";
import { describe, expect, it } from "vitest";
import { piecesOf, SnapshotPieces } from "./snapshot-pieces.ts";

const vm = (index: number): Snapshot["vms"][number] => ({
  id: `v${String(index)}`,
  name: `v${String(index)}`,
  state: "running",
  cpus: 1,
  memoryBytes: 1n << 30n,
});

describe("a snapshot in pieces", () => {
  it.each([0, 1, 500, 1234])("of %d VMs is the same afterwards, and keeps its hash", (count) => {
    const snapshot: Snapshot = {
      version: 7,
      hosts: [],
      vms: Array.from({ length: count }, (_, index) => vm(index)),
      claims: [{ ...vm(0), vmId: "c", hostId: "h" }],
      rules: [],
      topologyLevels: ["site"],
    };
    const together = new SnapshotPieces();
    const made = [...piecesOf(snapshot)].map((piece) => together.add(structuredClone(piece)));
    const last = made.pop();
    expect(made.every((each) => each === undefined)).toBe(true);
    expect(last).toEqual(snapshot);
    expect(last === undefined ? "" : snapshotHash(last)).toBe(snapshotHash(snapshot));
  });
});
