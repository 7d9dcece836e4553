import { anyHostInventory } from "@muster/model/testing";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SharedLists } from "./shared-lists.ts";

describe("shared lists", () => {
  it("change nothing that an inventory says", () => {
    const lists = new SharedLists();
    fc.assert(
      fc.property(anyHostInventory, (inventory) => {
        expect(lists.share(inventory)).toStrictEqual(inventory);
      }),
    );
  });

  it("are the same list for hosts that say the same", () => {
    const lists = new SharedLists();
    const [inventory] = fc.sample(anyHostInventory, { numRuns: 1, seed: 3 });
    if (inventory === undefined) throw new Error("no sample");
    const [one, other] = [structuredClone(inventory), structuredClone(inventory)].map((each) =>
      lists.share(each),
    );
    expect(one?.machineTypes).toBe(other?.machineTypes);
    expect(one?.cpu.features).toBe(other?.cpu.features);
    expect(one?.cpu.usableModels).toBe(other?.cpu.usableModels);
  });
});
