import type { NetworkSpec } from "@muster/model";
import { aNetwork } from "@muster/model/testing";
import { describe, expect, it } from "vitest";
import { keptLog, simulatedHosts } from "../testing/agent-setting.ts";
import type { Assigned } from "./assigned.ts";
import { NetworkKeeper } from "./network-keeper.ts";

const blue: NetworkSpec = aNetwork({ name: "blue", vlan: 10 });

function setting() {
  const { bridges, newDriver } = simulatedHosts();
  let assigned: Assigned | undefined;
  let changes = 0;
  const { log, lines } = keptLog();
  const keeper = new NetworkKeeper({
    driver: newDriver(),
    assigned: () => assigned,
    onChange: () => {
      changes += 1;
    },
    log,
  });
  return {
    keeper,
    bridges,
    lines,
    changes: () => changes,
    assign: (...networks: readonly NetworkSpec[]) => {
      assigned = { revision: 1n, networks, vms: [] };
    },
    newDriver,
  };
}

describe("the keeper of networks", () => {
  it("does nothing before it knows what was assigned", async () => {
    const { keeper, bridges, newDriver, changes } = setting();
    await newDriver().apply([blue]);
    await keeper.reconcile();
    expect([[...bridges.networks.keys()], changes()]).toStrictEqual([["blue"], 0]);
  });

  it("makes what is assigned and removes what no longer is, and says so once", async () => {
    const { keeper, bridges, assign, changes } = setting();
    assign(blue);
    await keeper.reconcile();
    await keeper.reconcile();
    expect(keeper.observed).toMatchObject([{ name: "blue", state: "ready", vlan: 10 }]);
    expect(changes()).toBe(1);
    assign();
    await keeper.reconcile();
    expect([[...bridges.networks.keys()], changes()]).toStrictEqual([[], 2]);
  });

  it("says why a network cannot be made, and makes it when it can", async () => {
    const { keeper, bridges, assign, changes, lines } = setting();
    assign(blue);
    bridges.failNetwork("blue", "no uplink");
    await keeper.reconcile();
    expect(keeper.observed).toMatchObject([{ state: "failed" }]);
    bridges.healNetwork("blue");
    await keeper.reconcile();
    expect(keeper.observed).toMatchObject([{ state: "ready" }]);
    expect([changes(), lines]).toStrictEqual([2, ["warn network failed", "info network is ready"]]);
  });
});
