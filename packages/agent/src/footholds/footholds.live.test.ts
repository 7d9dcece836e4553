/** Footholds in the kernel: on a Linux bridge and on Open vSwitch, made, left alone, mended, removed. */
import { describe, expect, it } from "vitest";
import { PrivateNamespace, namespaceObstacle } from "../networks/testing/private-namespace.ts";
import { openvswitchObstacle, startOpenvswitch } from "../networks/testing/private-openvswitch.ts";
import { deviceOf, insideOf, type Foothold } from "./foothold.ts";
import { Footholds } from "./footholds.ts";

const onBridge: Foothold = {
  purpose: "p",
  network: "blue",
  namespace: "muster-probe",
  place: { kind: "linux-bridge", bridge: "brblue" },
  mtu: 1400,
  addresses: ["fe80::1/64", "10.1.0.1/24"],
};
const onSwitch: Foothold = {
  ...onBridge,
  place: { kind: "openvswitch", bridge: "br0", vlan: 10 },
};

const BRIDGE = "mkdir -p /run/netns; ip link add brblue type bridge; ip link set brblue up";

async function isSilent(host: PrivateNamespace, wanted: readonly Foothold[]): Promise<boolean> {
  const ran: string[] = [];
  const footholds = new Footholds(
    {
      run: (argv) => {
        ran.push(argv.join(" "));
        return host.runner.run(argv);
      },
    },
    { hasOpenvswitch: wanted.some(({ place }) => place.kind === "openvswitch") },
  );
  expect(await footholds.keep("p", wanted)).toEqual(new Map());
  return ran.every((line) => /^ip -j|find Port/.test(line));
}

async function devicesOf(host: PrivateNamespace): Promise<string> {
  return `${await host.run("ip -br link")} ${await host.run("ip netns list")}`;
}

const bridgeObstacle = namespaceObstacle(["sysctl"]);
const switchObstacle = openvswitchObstacle();

describe.skipIf(bridgeObstacle !== undefined)(
  `footholds on a Linux bridge (${bridgeObstacle ?? "here"})`,
  () => {
    it("are made once, mended, and leave nothing", async () => {
      await using host = await PrivateNamespace.start(BRIDGE);
      const footholds = new Footholds(host.runner, { hasOpenvswitch: false });
      expect(await footholds.keep("p", [onBridge])).toEqual(new Map());
      const inside = ["ip", "-n", "muster-probe", "-br", "addr", "show", insideOf(onBridge)];
      expect(await host.runner.run(inside)).toContain("10.1.0.1/24 fe80::1/64");
      expect(await isSilent(host, [onBridge])).toBe(true);
      // Somebody takes it off the bridge; then the namespace is lost, as when the agent's unit is restarted.
      await host.run(`ip link set ${deviceOf(onBridge)} nomaster`);
      expect(await isSilent(host, [onBridge])).toBe(false);
      await host.run("umount /run/netns/muster-probe");
      expect(await isSilent(host, [onBridge])).toBe(false);
      expect(await isSilent(host, [onBridge])).toBe(true);
      await footholds.keep("p", []);
      expect(await devicesOf(host)).not.toMatch(/muster|mp[0-9a-f]{10}/);
    });

    it("say which network has none, and go on with the others", async () => {
      await using host = await PrivateNamespace.start(BRIDGE);
      const footholds = new Footholds(host.runner, { hasOpenvswitch: false });
      const lost: Foothold = {
        ...onBridge,
        network: "lost",
        place: { kind: "linux-bridge", bridge: "nowhere" },
      };
      const problems = await footholds.keep("p", [lost, onBridge]);
      expect([...problems.keys()]).toEqual(["lost"]);
      expect(problems.get("lost")).toContain("nowhere");
      expect(await devicesOf(host)).toContain(deviceOf(onBridge));
    });
  },
);

describe.skipIf(switchObstacle !== undefined)(
  `footholds on Open vSwitch (${switchObstacle ?? "here"})`,
  () => {
    it("are made once with their tag, and leave nothing", async () => {
      await using host = await startOpenvswitch();
      await host.run("mkdir -p /run/netns");
      await host.run("ovs-vsctl add-br br0 -- set bridge br0 datapath_type=netdev");
      const footholds = new Footholds(host.runner, { hasOpenvswitch: true });
      expect(await footholds.keep("p", [onSwitch])).toEqual(new Map());
      const tag = ["ovs-vsctl", "get", "Port", deviceOf(onSwitch), "tag"];
      expect((await host.runner.run(tag)).trim()).toBe("10");
      expect(await isSilent(host, [onSwitch])).toBe(true);
      await host.run(`ovs-vsctl set Port ${deviceOf(onSwitch)} tag=11`);
      expect(await isSilent(host, [onSwitch])).toBe(false);
      expect((await host.runner.run(tag)).trim()).toBe("10");
      await footholds.keep("p", []);
      expect(await devicesOf(host)).not.toMatch(/muster|mp[0-9a-f]{10}/);
      expect((await host.run("ovs-vsctl list-ports br0")).trim()).toBe("");
    });
  },
);
