import { parseMac, type MacPool } from "@muster/model";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aSpec, aVm, clusterId, viewOf, vmIdOf } from "../testing/builders.ts";
import { MacGiver, macsInUse } from "./mac-pool.ts";

const cluster = { id: clusterId, operationCount: 0, macCount: 0 };
const COUNTER_MAX = 0xff_ff_ff;
const own: MacPool = { kind: "cluster" };

const giver = (macCount = 0, taken: readonly string[] = []): MacGiver =>
  new MacGiver({ ...cluster, macCount }, new Set(taken));

const wish = (addresses: readonly string[], field = "nics[0]") => ({
  addresses,
  field,
  vmId: vmIdOf(7),
});

describe("MAC addresses of the cluster's pool", () => {
  it("are unicast, locally administered, and carry two digits of the cluster's id", () => {
    const mac = giver().give(own, wish([]));
    expect(mac).toBe("02:6d:cc:00:00:01");
    expect(parseMac(mac, "mac")).toBe(mac);
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
    const wishes = fc.uniqueArray(someMac, { maxLength: 4 });
    fc.assert(
      fc.property(counter, fc.uniqueArray(someMac), wishes, (macCount, wild, wished) => {
        const macs = giver(macCount, wild);
        const taken = new Set(wild);
        for (const wish of wished) {
          if (taken.has(wish)) {
            expect(() => {
              macs.take(wish, "nics[0].mac");
            }).toThrow(`nics[0].mac: ${wish} is already in use`);
          } else macs.take(wish, "nics[0].mac");
          taken.add(wish);
        }
        for (let count = 0; count < 60; count += 1) {
          const mac = macs.give(own, wish([]));
          expect(taken.has(mac)).toBe(false);
          taken.add(mac);
        }
      }),
    );
  });

  it("in use are those of managed VMs and of wild ones", () => {
    const spec = aSpec("vm-1", { nics: [{ network: "blue", mac: "02:00:00:00:00:01" }] });
    const view = viewOf(["vm", aVm(1, { spec })]);
    expect(macsInUse(view, new Set(["02:00:00:00:00:02"]))).toStrictEqual(
      new Set(["02:00:00:00:00:01", "02:00:00:00:00:02"]),
    );
  });
});

describe("MAC addresses of a network's pool", () => {
  it("count behind a prefix of any length, until all are taken", () => {
    const macs = giver();
    const pool: MacPool = { kind: "prefix", prefix: "52:54:00:aa:bb" };
    const given = Array.from({ length: 256 }, () => macs.give(pool, wish([])));
    expect(new Set(given).size).toBe(256);
    expect(given.every((mac) => mac.startsWith("52:54:00:aa:bb:"))).toBe(true);
    expect(() => macs.give(pool, wish([], "nics[1]"))).toThrow(
      "nics[1].mac: all 256 MAC addresses 52:54:00:aa:bb:* are in use",
    );
    expect(macs.give({ kind: "prefix", prefix: "52" }, wish([], "nics[1]"))).toMatch(/^52:00:00:/);
  });

  it("are made from the first IPv4 address", () => {
    const pool: MacPool = { kind: "from-ipv4", prefix: "02:00" };
    expect(giver().give(pool, wish(["2001:db8::1", "10.1.2.255"]))).toBe("02:00:0a:01:02:ff");
    expect(() => giver().give(pool, wish(["2001:db8::1"]))).toThrow(
      "nics[0].mac: its network makes MACs from IPv4 addresses; it has none",
    );
    expect(() => giver(0, ["02:00:0a:01:02:ff"]).give(pool, wish(["10.1.2.255"]))).toThrow(
      "02:00:0a:01:02:ff, made from its address, is already in use",
    );
  });

  it("at random are unicast, locally administered and all different", () => {
    const macs = giver();
    const given = Array.from({ length: 500 }, () => macs.give({ kind: "random" }, wish([])));
    expect(new Set(given).size).toBe(500);
    for (const mac of given) expect(Number.parseInt(mac.slice(0, 2), 16) & 3).toBe(2);
  });
});
