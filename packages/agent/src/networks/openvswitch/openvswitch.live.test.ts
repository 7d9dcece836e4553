/** The Open vSwitch driver against a real one in namespaces of its own. */
import { networkDefaults, parseVmId, vlanOf, type NetworkSpec } from "@muster/model";
import { systemClock } from "@muster/runtime";
import { describe, expect, it } from "vitest";
import { networkDriverContract, type NetworkHostUnderTest } from "../network-driver-contract.ts";
import type { PrivateNamespace } from "../testing/private-namespace.ts";
import {
  UPLINK_MTU,
  endDaemon,
  openvswitchObstacle,
  startOpenvswitch,
} from "../testing/private-openvswitch.ts";
import { HostNetworks } from "../host-networks.ts";
import { openvswitchSnapshot } from "../testing/openvswitch-snapshot.ts";
import { openvswitchBridging } from "./openvswitch-bridging.ts";
import { OpenvswitchDriver } from "./openvswitch-driver.ts";

const obstacle = openvswitchObstacle();
if (obstacle !== undefined) console.warn(`Open vSwitch is not tested: ${obstacle}`);

const network = (name: string, vlan: number, mtu = 1500): NetworkSpec => ({
  ...networkDefaults,
  name,
  segment: { kind: "vlan", vlan },
  mtu,
});
const blue = network("blue", 10);
const green = network("green", 20);

const driverOn = (openvswitch: PrivateNamespace, uplink: string | undefined = "eth1") =>
  new OpenvswitchDriver({ bridge: "br0", uplink, datapath: "netdev" }, openvswitch.runner);

async function hostUnderTest(
  prepare: (openvswitch: PrivateNamespace) => Promise<unknown>,
): Promise<NetworkHostUnderTest> {
  const openvswitch = await startOpenvswitch();
  await prepare(openvswitch);
  const snapshot = () => openvswitchSnapshot(openvswitch.runner);
  const portsOfBridge = async () =>
    (await snapshot()).bridges.find(({ name }) => name === "br0")?.ports ?? [];
  return {
    uplinkMtu: UPLINK_MTU,
    hasTrunks: true,
    openDriver: () =>
      new HostNetworks(
        { bridge: "br0", uplink: "eth1" },
        {
          bridging: openvswitchBridging({ datapath: "netdev" }, openvswitch.runner),
          runner: openvswitch.runner,
          clock: systemClock,
        },
      ),
    snapshot,
    async addForeignThings() {
      await openvswitch.run(
        "ovs-vsctl add-br br9 -- set Bridge br9 datapath_type=netdev external_ids:owner=else -- add-port br9 theirs tag=10 -- set Interface theirs type=internal",
      );
    },
    async foreignThings() {
      const { bridges, links } = await snapshot();
      return [
        bridges.filter(({ name }) => name === "br9"),
        links.filter(({ name }) => name === "br9" || name === "theirs" || name === "wire"),
      ];
    },
    async markedThings() {
      const { bridges } = await snapshot();
      return bridges.flatMap((bridge) => [
        ...Object.keys(bridge.externalIds).filter((key) => key.startsWith("muster")),
        ...bridge.ports.flatMap((port) =>
          Object.keys(port.externalIds).filter((key) => key.startsWith("muster")),
        ),
      ]);
    },
    async leaveNicOf(driver, nic) {
      await driver.plug(nic);
      // As libvirt adds it, and as a power cut leaves it: the tap is gone.
      const device = `vnet${nic.vmId.slice(0, 4)}-${String(nic.index)}`;
      const tag = `tag=${String(vlanOf(nic.network))}`;
      await openvswitch.run(
        `ovs-vsctl add-port br0 ${device} ${tag} -- set Interface ${device} external_ids:vm-id=${nic.vmId}`,
      );
    },
    async nicsOf(vmId) {
      return (await portsOfBridge())
        .filter((port) => port.interfaces.some((each) => each.externalIds["vm-id"] === vmId))
        .map(({ name }) => name);
    },
    [Symbol.asyncDispose]: () => openvswitch[Symbol.asyncDispose](),
  };
}

const bareHost = () => hostUnderTest(async () => undefined);

const hostWithBridge = () =>
  hostUnderTest((openvswitch) =>
    openvswitch.run(
      "ovs-vsctl add-br br0 -- set Bridge br0 datapath_type=netdev -- add-port br0 eth1",
    ),
  );

describe.skipIf(obstacle !== undefined)("network driver contract: Open vSwitch", () => {
  describe.each([
    ["on a bridge of our own", bareHost],
    ["on a bridge that was there", hostWithBridge],
  ] as const)("%s", (_where, makeHost) => {
    it.each(networkDriverContract)("$name", async (contractCase) => {
      await using host = await makeHost();
      await contractCase.run(host);
    });
  });
});

describe.skipIf(obstacle !== undefined)("Open vSwitch driver", () => {
  async function firstMessage(
    openvswitch: PrivateNamespace,
    uplink: string | undefined = "eth1",
  ): Promise<string> {
    const [observed] = await driverOn(openvswitch, uplink).apply([blue]);
    return observed?.message ?? "";
  }

  it("makes a bridge without an uplink when none is configured", async () => {
    await using openvswitch = await startOpenvswitch();
    const driver = new OpenvswitchDriver(
      { bridge: "br0", uplink: undefined, datapath: "netdev" },
      openvswitch.runner,
    );
    expect(await driver.apply([blue])).toMatchObject([{ state: "ready", bridge: "br0" }]);
    expect((await openvswitch.run("ovs-vsctl list-ports br0")).trim()).toBe("");
  });

  it("refuses an uplink that does not exist, carries an address, or belongs elsewhere", async () => {
    await using openvswitch = await startOpenvswitch();
    expect(await firstMessage(openvswitch, "eth7")).toBe("uplink eth7 does not exist on this host");
    await openvswitch.run("ip addr add 10.9.0.1/24 dev eth1");
    expect(await firstMessage(openvswitch)).toBe(
      "uplink eth1 carries address 10.9.0.1/24: adding it to bridge br0 could cut this host off",
    );
    expect(await openvswitch.run("ovs-vsctl list-br")).toBe("");
    await openvswitch.run("ip addr flush dev eth1");
    await openvswitch.run(
      "ovs-vsctl add-br br7 -- set Bridge br7 datapath_type=netdev -- add-port br7 eth1",
    );
    expect(await firstMessage(openvswitch)).toBe(
      "uplink eth1 is a port of Open vSwitch bridge br7",
    );
  });

  it("says what is wrong with a bridge of somebody else's and does not mend it", async () => {
    await using openvswitch = await startOpenvswitch();
    await openvswitch.run("ovs-vsctl add-br br0 -- set Bridge br0 datapath_type=netdev");
    expect(await firstMessage(openvswitch)).toBe(
      "uplink eth1 is not a port of bridge br0, which muster did not make",
    );
    await openvswitch.run("ovs-vsctl add-port br0 eth1 trunks=20,30");
    const observed = await driverOn(openvswitch).apply([blue, green]);
    expect(observed).toMatchObject([
      { name: "blue", message: "uplink eth1 carries VLAN 20, 30 only, not 10" },
      { name: "green", state: "ready" },
    ]);
    expect((await openvswitch.run("ovs-vsctl get Port eth1 trunks")).trim()).toBe("[20, 30]");
  });

  it("corrects its own bridge: uplink tagged, down, or taken out", async () => {
    await using openvswitch = await startOpenvswitch();
    const driver = driverOn(openvswitch);
    await driver.apply([blue]);
    for (const damage of [
      "ovs-vsctl set Port eth1 tag=99",
      "ip link set eth1 down",
      "ovs-vsctl del-port br0 eth1",
      "ovs-vsctl remove Bridge br0 external_ids muster-network:blue",
      "ovs-vsctl del-br br0",
    ]) {
      await openvswitch.run(damage.replace("muster-network:blue", '"muster-network:blue"'));
      expect(await driver.observe(), damage).toMatchObject([{ state: "failed" }]);
      expect(await driver.apply([blue]), damage).toMatchObject([{ state: "ready", message: "" }]);
    }
  });

  it("follows the configuration to another uplink", async () => {
    await using openvswitch = await startOpenvswitch();
    await driverOn(openvswitch).apply([blue]);
    await openvswitch.run("ip link add eth2 mtu 1600 type veth peer name wire2");
    await openvswitch.run("ip link set wire2 up");
    expect(await driverOn(openvswitch, "eth2").apply([blue])).toMatchObject([{ state: "ready" }]);
    expect((await openvswitch.run("ovs-vsctl list-ports br0")).trim()).toBe("eth2");
  });

  it("asks for the largest network's MTU on the bridge it made", async () => {
    await using openvswitch = await startOpenvswitch();
    await driverOn(openvswitch).apply([blue, network("large", 30, 1580)]);
    expect((await openvswitch.run("ovs-vsctl get Interface br0 mtu")).trim()).toBe("1580");
  });

  it("reports a cable that is out, and lets a NIC be plugged all the same", async () => {
    await using openvswitch = await startOpenvswitch();
    const driver = driverOn(openvswitch);
    await driver.apply([blue]);
    await openvswitch.run("ip link set wire down");
    expect(await driver.observe()).toMatchObject([
      { state: "failed", message: "uplink eth1 has no carrier" },
    ]);
    const vmId = parseVmId("6f1c2b52-8f0e-4b0c-9c58-0a1b2c3d4e5f");
    const nic = { vmId, index: 0, mac: "52:54:00:00:00:01", network: blue };
    expect(await driver.plug(nic)).toMatchObject({ kind: "openvswitch", bridge: "br0", vlan: 10 });
    await openvswitch.run("ip link set wire up");
    expect(await driver.observe()).toMatchObject([{ state: "ready" }]);
  });

  it("fails every network with the reason when the database is gone, and removes none", async () => {
    await using openvswitch = await startOpenvswitch();
    const driver = driverOn(openvswitch);
    await driver.apply([blue, green]);
    await endDaemon(openvswitch, "ovsdb-server");
    const observed = await driver.observe();
    expect(observed.map(({ name, state }) => `${name} ${state}`)).toEqual([
      "blue failed",
      "green failed",
    ]);
    expect(observed[0]?.message).toMatch(/database connection failed/);
    expect(await driver.apply([blue])).toMatchObject([{ name: "blue", state: "failed" }]);
    await expect(driver.plan([blue])).rejects.toMatchObject({ code: "network-failed" });
  });

  it("does not wait for ever for a dead ovs-vswitchd", { timeout: 60_000 }, async () => {
    await using openvswitch = await startOpenvswitch();
    await endDaemon(openvswitch, "ovs-vswitchd");
    const [observed] = await driverOn(openvswitch).apply([blue]);
    expect(observed?.message).toMatch(/failed to create Open vSwitch bridge br0/);
  });
});
