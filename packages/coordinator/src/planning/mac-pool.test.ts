import { parseMac } from "@muster/model";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aSpec, aVm, clusterId, viewOf } from "../testing/builders.ts";
import { macsInUse, nextMacs } from "./mac-pool.ts";

const cluster = { id: clusterId, operationCount: 0, macCount: 0 };
const COUNTER_MAX = 0xff_ff_ff;

describe("MAC addresses", () => {
  it("are unicast, locally administered, and carry two digits of the cluster's id", () => {
    const { macs } = nextMacs(cluster, [undefined], new Set());
    expect(macs).toStrictEqual(["02:6d:cc:00:00:01"]);
    expect(parseMac(macs[0] ?? "", "mac")).toBe(macs[0]);
  });

  it("are never given twice, whatever is wished for, in use, or counted", () => {
    const counter = fc.oneof(
      fc.integer({ min: 0, max: 40 }),
      fc.integer({ min: COUNTER_MAX - 20, max: COUNTER_MAX }),
    );
    const someMac = counter.map((count) => {
      const hex = count.toString(16).padStart(6, "0");
      return `02:6d:cc:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4, 6)}`;
    });
    const requests = fc.array(fc.array(fc.option(someMac, { nil: undefined }), { maxLength: 4 }), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(counter, fc.uniqueArray(someMac), requests, (macCount, wild, wishes) => {
        const given: string[] = [...wild];
        let now = { ...cluster, macCount };
        for (const wish of wishes) {
          try {
            const next = nextMacs(now, wish, new Set(given));
            given.push(...next.macs);
            now = { ...now, macCount: next.macCount };
          } catch (error) {
            // Only a wish can be refused: it is in use, or wished for twice.
            const asked = wish.filter((mac) => mac !== undefined);
            expect(String(error)).toMatch(/is already in use/);
            expect(asked.length).toBeGreaterThan(0);
          }
        }
        expect(new Set(given).size).toBe(given.length);
      }),
    );
  });

  it("that are wished for and taken are refused by name", () => {
    expect(() =>
      nextMacs(cluster, [undefined, "02:00:00:00:00:01"], new Set(["02:00:00:00:00:01"])),
    ).toThrow("nics[1].mac: 02:00:00:00:00:01 is already in use in this cluster");
  });

  it("are in use by VMs of ours and by wild ones", () => {
    const spec = aSpec("vm-1", { nics: [{ network: "blue", mac: "02:00:00:00:00:01" }] });
    const view = viewOf(["vm", aVm(1, { spec })]);
    expect(macsInUse(view, new Set(["02:00:00:00:00:02"]))).toStrictEqual(
      new Set(["02:00:00:00:00:01", "02:00:00:00:00:02"]),
    );
  });
});
