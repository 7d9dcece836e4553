/** Frames of a VXLAN network pass between a host's Open vSwitch and another machine, found by multicast. */
import { networkDefaults, type NetworkSpec } from "@muster/model";
import { systemClock } from "@muster/runtime";
import { describe, expect, it } from "vitest";
import { noLayout, type HostLayout } from "../host-layout.ts";
import { HostNetworks } from "../host-networks.ts";
import { openvswitchObstacle, startOpenvswitch } from "../testing/private-openvswitch.ts";
import { openvswitchBridging } from "./openvswitch-bridging.ts";

const obstacle = openvswitchObstacle();
if (obstacle !== undefined) console.warn(`VXLANs are not tested: ${obstacle}`);

const overlay: NetworkSpec = {
  ...networkDefaults,
  name: "overlay",
  segment: { kind: "vxlan", vni: 70_000 },
  uplink: "underlay",
  mtu: 1450,
};
const layout: HostLayout = {
  ...noLayout,
  uplinks: [{ label: "underlay", mtu: 1500, members: [{ by: "name", name: "un1" }] }],
};

describe.skipIf(obstacle !== undefined)("a VXLAN network", () => {
  it("carries frames to another host, is told apart from others, and leaves nothing", async () => {
    await using host = await startOpenvswitch();
    await host.run("ip netns add far");
    await host.run("ip link add un1 type veth peer name un2 netns far");
    await host.run("ip link set un1 up");
    await host.run("ip addr add 10.8.0.1/24 dev un1");
    await host.run("ip -n far link set un2 up");
    await host.run("ip -n far addr add 10.8.0.2/24 dev un2");
    // 70000 is 1, 17, 112 in octets.
    for (const [vni, group] of [
      [70_000, "239.1.17.112"],
      [70_001, "239.1.17.113"],
    ] as const) {
      const device = `v${String(vni)}`;
      await host.run(
        `ip -n far link add ${device} type vxlan id ${String(vni)} dev un2 group ${group} dstport 4789`,
      );
      await host.run(`ip -n far link set ${device} up`);
    }
    await host.run("ip -n far addr add 10.50.0.2/24 dev v70000");
    await host.run("ip -n far addr add 10.51.0.2/24 dev v70001");
    const bridging = openvswitchBridging({ datapath: "netdev" }, host.runner);
    const driver = new HostNetworks(
      { bridge: "br0", uplink: undefined },
      { bridging, runner: host.runner, clock: systemClock },
    );
    const [observed] = await driver.apply([overlay], layout);
    expect(observed).toMatchObject({ state: "ready", message: "", bridge: "mb-VX70000" });
    await host.run(
      "ovs-vsctl add-port mb-VX70000 guest -- set Interface guest type=internal mtu_request=1450",
    );
    await host.run("ip addr add 10.50.0.1/24 dev guest");
    await host.run("ip addr add 10.51.0.1/24 dev guest");
    await host.run("ip link set guest up");
    const reaches = (address: string) =>
      host.run(`ping -c 1 -W 3 -i 0.2 ${address}`).then(
        () => true,
        () => false,
      );
    expect(await reaches("10.50.0.2")).toBe(true);
    expect(await reaches("10.51.0.2")).toBe(false);
    await host.run("ovs-vsctl del-port mb-VX70000 guest");
    await driver.apply([]);
    expect(await host.run("ovs-vsctl list-br")).toBe("");
    const left = await host.run("ip -br link");
    expect(left).not.toContain("vx-");
    expect(await host.run("ip link show un1")).not.toContain("muster");
  });

  it("is refused without an uplink, and on one without an address", async () => {
    await using host = await startOpenvswitch();
    const bridging = openvswitchBridging({ datapath: "netdev" }, host.runner);
    const driver = new HostNetworks(
      { bridge: "br0", uplink: undefined },
      { bridging, runner: host.runner, clock: systemClock },
    );
    const { uplink: _uplink, ...alone } = overlay;
    const messageOf = async (network: NetworkSpec) =>
      (await driver.apply([network], layout))[0]?.message;
    expect(await messageOf(alone)).toMatch(/VXLAN 70000 needs an uplink whose NIC has an address/);
    await host.run("ip link add un1 type veth peer name un2");
    expect(await messageOf(overlay)).toMatch(/uplink underlay: un1 has no IPv4 address/);
    await host.run("ip addr add 10.8.0.1/24 dev un1");
    expect(await messageOf({ ...overlay, mtu: 1451 })).toMatch(/MTU 1451 is above the 1450/);
  });
});
