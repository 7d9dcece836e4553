/**
 * The Linux bridge driver on the kernel of this machine, in a network namespace of its own. Where that kernel has no
 * VLAN-aware bridges, this shows what is said about it; the contract is then kept in the kernel lab only
 * (test/kernel-lab/linux-bridge-network.test.ts).
 */
import { once } from "node:events";
import { parseVmId } from "@muster/model";
import { aNetwork } from "@muster/model/testing";
import { beforeAll, describe, expect, it } from "vitest";
import { networkDriverContract } from "../network-driver-contract.ts";
import { LinuxBridgeHost } from "../testing/linux-bridge-host.ts";
import { PrivateNamespace, namespaceObstacle } from "../testing/private-namespace.ts";
import { LinuxBridgeDriver } from "./linux-bridge-driver.ts";
import { tapAlias, tapName } from "./linux-bridge-marks.ts";

const QEMU = "qemu-system-x86_64";
const obstacle = namespaceObstacle(["bridge"]);
if (obstacle !== undefined) console.warn(`the Linux bridge is not tested: ${obstacle}`);
const qemuObstacle = namespaceObstacle([QEMU]);
if (qemuObstacle !== undefined) console.warn(`no tap is held open: ${qemuObstacle}`);

const blue = aNetwork({ name: "blue", vlan: 10 });
const green = aNetwork({ name: "green", vlan: 20 });
const vmId = parseVmId("6f1c2b52-8f0e-4b0c-9c58-0a1b2c3d4e5f");

const inside = (namespace: PrivateNamespace) =>
  new LinuxBridgeDriver({ bridge: "muster0", uplink: undefined }, namespace.runner);

async function hasVlanAwareBridges(): Promise<boolean> {
  await using namespace = await PrivateNamespace.start("");
  try {
    await namespace.run("ip link add b0 type bridge vlan_filtering 1");
    return true;
  } catch (error) {
    console.warn(`this kernel has no VLAN-aware bridges: ${String((error as Error).cause)}`);
    return false;
  }
}

describe.skipIf(obstacle !== undefined)("Linux bridge driver on this machine's kernel", () => {
  let isVlanAware = false;
  beforeAll(async () => {
    isVlanAware = await hasVlanAwareBridges();
  });

  it("fails every network with reason and advice where bridges are not VLAN-aware", async (test) => {
    if (isVlanAware) test.skip("this kernel's bridges are VLAN-aware");
    await using namespace = await PrivateNamespace.start("");
    const driver = inside(namespace);
    const observed = await driver.apply([blue, green]);
    expect(observed.map(({ name, state }) => `${name} ${state}`)).toEqual([
      "blue failed",
      "green failed",
    ]);
    for (const { message } of observed) {
      expect(message).toMatch(/failed to create VLAN-aware bridge muster0: .*not supported/);
      expect(message).toMatch(/CONFIG_BRIDGE_VLAN_FILTERING\); use Open vSwitch/);
    }
    // Still known when asked later, and nothing is left of the attempt.
    expect(await driver.observe()).toEqual(observed);
    expect(await namespace.run("ip -br link")).not.toMatch(/muster0/);
  });

  it.for(networkDriverContract)("contract: $name", async (contractCase, test) => {
    if (!isVlanAware) test.skip("the kernel lab does this");
    await using namespace = await PrivateNamespace.start("");
    await using host = await LinuxBridgeHost.make(namespace.runner);
    await contractCase.run(host);
  });
});

describe.skipIf((obstacle ?? qemuObstacle) !== undefined)("a tap that QEMU has open", () => {
  it("is not removed until QEMU has ended", async () => {
    await using namespace = await PrivateNamespace.start("");
    const driver = inside(namespace);
    const device = tapName(vmId, 0);
    await namespace.run(`ip tuntap add dev ${device} mode tap vnet_hdr`);
    await namespace.runner.run(["ip", "link", "set", device, "alias", tapAlias(vmId, 0), "up"]);
    const netdev = `tap,id=n0,ifname=${device},script=no,downscript=no,vhost=off`;
    const machine = ["-machine", "none", "-nodefaults", "-display", "none"];
    const qemu = namespace.spawn([QEMU, ...machine, "-netdev", netdev]);
    await expect
      .poll(() => namespace.run(`ip -br link show ${device}`), { timeout: 10_000 })
      .toMatch(/\bLOWER_UP\b/);
    await expect(driver.unplug(vmId)).rejects.toMatchObject({
      code: "network-failed",
      message: `failed to remove tap ${device}`,
      hint: "the VM must not run on this host any more",
    });
    const ended = once(qemu, "exit");
    qemu.kill();
    await ended;
    await expect
      .poll(() => namespace.run(`ip -br link show ${device}`), { timeout: 10_000 })
      .not.toMatch(/\bLOWER_UP\b/);
    await driver.unplug(vmId);
    expect(await namespace.run("ip -br link")).not.toContain(device);
  });
});
