import { describe, expect, it } from "vitest";
import { aNetwork } from "./testing/index.ts";
import { upgradeNetworkRecord, upgradeNetworkSpec } from "./upgrade.ts";

describe("a network of the simple form", () => {
  it("becomes a VLAN on every host", () => {
    const record = {
      spec: { name: "blue", vlan: 10, mtu: 1500, hosts: [] },
      createdAt: "2026-01-01T00:00:00Z",
      removing: true,
    };
    expect(upgradeNetworkRecord(record)).toStrictEqual({
      ...record,
      spec: aNetwork({ name: "blue", vlan: 10 }),
    });
  });

  it("keeps its hosts and its MTU", () => {
    const spec = { name: "blue", vlan: 10, mtu: 9000, hosts: ["h1", "h2"] };
    expect(upgradeNetworkSpec(spec)).toStrictEqual(
      aNetwork({ name: "blue", vlan: 10, mtu: 9000, hosts: { kind: "named", names: spec.hosts } }),
    );
  });

  it("is left alone in the present form", () => {
    const spec = aNetwork({ name: "blue" });
    expect(upgradeNetworkSpec(spec)).toBe(spec);
  });
});
