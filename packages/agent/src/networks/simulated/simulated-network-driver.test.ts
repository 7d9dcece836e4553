import { MusterError, parseVmId } from "@muster/model";
import { aNetwork } from "@muster/model/testing";
import { describe, expect, it } from "vitest";
import { networkDriverContract, type NetworkHostUnderTest } from "../network-driver-contract.ts";
import { SimulatedHostNetworks } from "./simulated-host-networks.ts";
import { SimulatedNetworkDriver } from "./simulated-network-driver.ts";

function simulatedHost(): NetworkHostUnderTest {
  const host = new SimulatedHostNetworks({ uplinkMtu: 1600 });
  return {
    uplinkMtu: host.uplinkMtu,
    hasTrunks: true,
    openDriver: () => new SimulatedNetworkDriver(host),
    snapshot: async () => ({
      networks: [...host.networks.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
      plugs: [...host.plugs].map(([device, { network }]) => `${device} on ${network.name}`).sort(),
    }),
    // A simulated host has nothing but what its driver knows.
    addForeignThings: async () => undefined,
    foreignThings: async () => [],
    markedThings: async () => [...host.networks.keys(), ...host.plugs.keys()],
    leaveNicOf: async (driver, nic) => {
      await driver.plug(nic);
    },
    nicsOf: async (vmId) => [...host.plugs.keys()].filter((device) => device.startsWith(vmId)),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

describe("network driver contract: simulated", () => {
  it.each(networkDriverContract)("$name", async (contractCase) => {
    await using host = simulatedHost();
    await contractCase.run(host);
  });
});

describe("a simulated host's networks", () => {
  const blue = aNetwork({ name: "blue", vlan: 10 });
  const green = aNetwork({ name: "green", vlan: 20 });
  const vmId = parseVmId("6f1c2b52-8f0e-4b0c-9c58-0a1b2c3d4e5f");

  it("fail one network for a reason until it is healed", async () => {
    const host = new SimulatedHostNetworks();
    const driver = new SimulatedNetworkDriver(host);
    host.failNetwork("blue", "the switch port is gone");
    expect(await driver.apply([blue, green])).toMatchObject([
      { name: "blue", state: "failed", message: "the switch port is gone" },
      { name: "green", state: "ready", message: "" },
    ]);
    host.healNetwork("blue");
    expect(await driver.observe()).toMatchObject([{ state: "failed" }, { state: "ready" }]);
    expect(await driver.apply([blue, green])).toMatchObject([
      { state: "ready" },
      { state: "ready" },
    ]);
  });

  it("reject the next call of a method, once", async () => {
    const host = new SimulatedHostNetworks();
    const driver = new SimulatedNetworkDriver(host);
    await driver.apply([blue]);
    const nic = { vmId, index: 0, mac: "52:54:00:00:00:01", network: blue };
    host.failNext("plug", new MusterError("network-failed", "no more ports"));
    await expect(driver.plug(nic)).rejects.toThrow("no more ports");
    await expect(driver.plug(nic)).resolves.toEqual({ kind: "simulated", network: "blue" });
  });

  it("are all failed while the switch does not answer, and come back by themselves", async () => {
    const host = new SimulatedHostNetworks();
    const driver = new SimulatedNetworkDriver(host);
    await driver.apply([blue]);
    host.setReachable(false);
    expect(await driver.apply([blue])).toMatchObject([{ name: "blue", state: "failed" }]);
    await expect(driver.plan([blue])).rejects.toMatchObject({ code: "network-failed" });
    await expect(driver.unplug(vmId)).rejects.toMatchObject({ code: "network-failed" });
    host.setReachable(true);
    expect(await driver.observe()).toMatchObject([{ name: "blue", state: "ready" }]);
  });

  it("forget everything when the host reboots", async () => {
    const host = new SimulatedHostNetworks();
    const driver = new SimulatedNetworkDriver(host);
    await driver.apply([blue]);
    host.reboot();
    expect(await driver.observe()).toMatchObject([{ name: "blue", state: "failed" }]);
    expect(await new SimulatedNetworkDriver(host).observe()).toEqual([]);
  });
});
