/** Guards enforced: frames as a guest would forge them, judged by Open vSwitch itself and by the kernel's nftables. */
import { parseVmId } from "@muster/model";
import { describe, expect, it } from "vitest";
import { tapName } from "../networks/linux-bridge/linux-bridge-marks.ts";
import { PrivateNamespace, namespaceObstacle } from "../networks/testing/private-namespace.ts";
import { openvswitchObstacle, startOpenvswitch } from "../networks/testing/private-openvswitch.ts";
import type { NicGuard } from "./nic-guard.ts";
import { NftablesGuards } from "./nftables-guards.ts";
import { OpenflowGuards } from "./openflow-guards.ts";

const vmId = parseVmId("b0000000-0000-4000-8000-000000000001");
const mac = "52:54:00:0a:00:05";
const guard: NicGuard = {
  ...{ vmId, index: 0, mac, guards: { mac: true, arp: true, ipv4: true, ipv6: true } },
  ...{ ipv4: ["10.10.0.5"], ipv6: ["fe80::5054:ff:fe0a:5", "2001:db8::5"] },
};
const other = "52:54:00:0a:00:06";

const own = `dl_src=${mac},dl_dst=ff:ff:ff:ff:ff:ff`;
const arp = (more: string): string => `${own},arp,arp_op=1,arp_tpa=10.10.0.1,${more}`;
const ip = (more: string): string => `${own},udp,nw_dst=10.10.0.1,${more}`;
const nd = (more: string): string => `${own},icmp6,ipv6_dst=ff02::1,icmpv6_code=0,${more}`;

const frames: readonly (readonly [what: string, flow: string, passes: boolean])[] = [
  ["its own ARP", arp(`arp_sha=${mac},arp_spa=10.10.0.5`), true],
  ["a question whether its address is free", arp(`arp_sha=${mac},arp_spa=0.0.0.0`), true],
  ["ARP with another's address", arp(`arp_sha=${mac},arp_spa=10.10.0.6`), false],
  ["ARP with another's MAC inside", arp(`arp_sha=${other},arp_spa=10.10.0.5`), false],
  ["its own IPv4", ip("nw_src=10.10.0.5,udp_src=1000,udp_dst=53"), true],
  ["another's IPv4", ip("nw_src=10.10.0.6,udp_src=1000,udp_dst=53"), false],
  ["a question for DHCP", ip("nw_src=0.0.0.0,udp_src=68,udp_dst=67"), true],
  ["an answer of DHCP", ip("nw_src=10.10.0.5,udp_src=67,udp_dst=68"), false],
  ["another's MAC", `dl_src=${other},dl_dst=ff:ff:ff:ff:ff:ff,dl_type=0x88b5`, false],
  ["what is neither ARP nor IP", `${own},dl_type=0x88b5`, true],
  ["its own announcement after a move", `${own},dl_type=0x8035`, true],
  ["its own IPv6", nd("ipv6_src=2001:db8::5,icmpv6_type=128"), true],
  ["another's IPv6", nd("ipv6_src=2001:db8::6,icmpv6_type=128"), false],
  ["itself as a router", nd("ipv6_src=fe80::5054:ff:fe0a:5,icmpv6_type=134"), false],
  ["itself as a neighbour", nd("ipv6_src=2001:db8::5,icmpv6_type=136,nd_target=2001:db8::5"), true],
  ["another as itself", nd("ipv6_src=2001:db8::5,icmpv6_type=136,nd_target=2001:db8::1"), false],
  ["whether its IPv6 is free", nd("ipv6_src=::,icmpv6_type=135,nd_target=2001:db8::5"), true],
  ["whether another's is", nd("ipv6_src=::,icmpv6_type=135,nd_target=2001:db8::6"), false],
];

const switchObstacle = openvswitchObstacle();

describe.skipIf(switchObstacle !== undefined)(
  `guards on Open vSwitch (${switchObstacle ?? "here"})`,
  () => {
    it("pass what is the NIC's own and nothing else; stay, come back, and go with their port", async () => {
      await using host = await startOpenvswitch();
      await host.run("ovs-vsctl add-br br0 -- set bridge br0 datapath_type=netdev");
      await host.run("ovs-vsctl add-port br0 eth1");
      await host.run("ip link add vnet0 type veth peer name guest");
      await host.run("ip link set vnet0 up");
      const ids = `external_ids:vm-id=${vmId} external_ids:attached-mac="${mac}"`;
      const guards = new OpenflowGuards(host.runner);
      await guards.keep([guard]);
      await host.run(`ovs-vsctl add-port br0 vnet0 tag=10 -- set Interface vnet0 ${ids}`);
      await guards.keep([guard]);
      const port = (await host.run("ovs-vsctl get Interface vnet0 ofport")).trim();
      const judged: (readonly [string, boolean])[] = [];
      for (const [what, flow] of frames) {
        const trace = ["ovs-appctl", "ofproto/trace", "br0", `in_port=${port},${flow}`];
        judged.push([what, !/Datapath actions: drop/.test(await host.runner.run(trace))]);
      }
      expect(judged).toEqual(frames.map(([what, , passes]) => [what, passes]));

      const count = async (): Promise<number> =>
        (await host.run("ovs-ofctl dump-flows br0")).split("\n").filter((line) => /6d73/.test(line))
          .length;
      const whole = await count();
      await host.run("ovs-ofctl add-flow br0 cookie=0x1234,priority=5,actions=NORMAL");
      await host.run("ovs-ofctl --strict del-flows br0 priority=30998,arp,in_port=" + port);
      expect(await count()).toBe(whole - 1);
      await guards.keep([guard]);
      expect(await count()).toBe(whole);
      await guards.keep([]);
      expect(await count()).toBe(0);
      // Somebody else's flow is as it was.
      expect(await host.run("ovs-ofctl dump-flows br0")).toContain("cookie=0x1234");
    });

    it("hear of a port at once", async () => {
      await using host = await startOpenvswitch();
      await host.run("ovs-vsctl add-br br0 -- set bridge br0 datapath_type=netdev");
      const seen = Promise.withResolvers<void>();
      const stop = new AbortController();
      const guards = new OpenflowGuards(host.runner, (argv) => host.spawn(argv));
      const watching = guards.watch(() => {
        seen.resolve();
      }, stop.signal);
      await host.run("ovs-vsctl add-port br0 eth1");
      await seen.promise;
      stop.abort();
      await watching;
    });
  },
);

const bridgeObstacle = namespaceObstacle(["nft", "ping"]);

/** Guest and peer, each in a namespace, on a plain bridge; the guest's port has the name of its tap. */
const TWO_GUESTS = `
mkdir -p /run/netns
ip netns add guest; ip netns add peer
ip link add switch0 type bridge; ip link set switch0 up
ip link add ${tapName(vmId, 0)} type veth peer name e address ${mac} netns guest
ip link add other type veth peer name e address ${other} netns peer
for port in ${tapName(vmId, 0)} other; do ip link set $port master switch0; ip link set $port up; done
for n in guest peer; do
  ip -n $n link set lo up
  ip netns exec $n sysctl -q -w net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.e.accept_dad=0
  ip -n $n link set e up
done
ip -n peer addr add 10.10.0.1/24 dev e
ip -n peer addr add 2001:db8::1/64 dev e nodad
`;

describe.skipIf(bridgeObstacle !== undefined)(
  `guards by nftables (${bridgeObstacle ?? "here"})`,
  () => {
    it("pass what is the NIC's own and nothing else, also tagged, and leave nothing", async () => {
      await using host = await PrivateNamespace.start(TWO_GUESTS);
      const guest = (line: string): Promise<string> => host.run(`ip netns exec guest ${line}`);
      const reaches = async (to: string, from: string): Promise<boolean> => {
        await host.run("ip -n guest neigh flush all");
        await host.run("ip -n peer neigh flush all");
        try {
          await guest(`ping -n -c 1 -W 1 -I ${from} ${to}`);
          return true;
        } catch {
          return false;
        }
      };
      for (const address of ["10.10.0.5/24", "10.10.0.6/24"]) {
        await host.run(`ip -n guest addr add ${address} dev e`);
      }
      for (const address of ["2001:db8::5/64", "2001:db8::6/64"]) {
        await host.run(`ip -n guest addr add ${address} dev e nodad`);
      }
      const guards = new NftablesGuards(host.runner);
      expect(await reaches("10.10.0.1", "10.10.0.6")).toBe(true);
      await guards.keep([guard]);
      expect(await reaches("10.10.0.1", "10.10.0.5")).toBe(true);
      expect(await reaches("10.10.0.1", "10.10.0.6")).toBe(false);
      expect(await reaches("2001:db8::1", "2001:db8::5")).toBe(true);
      expect(await reaches("2001:db8::1", "2001:db8::6")).toBe(false);
      await host.run("ip -n guest link set e address 52:54:00:0a:00:99");
      expect(await reaches("10.10.0.1", "10.10.0.5")).toBe(false);
      await host.run(`ip -n guest link set e address ${mac}`);

      const table = (): Promise<string> => host.run("nft list tables");
      const before = await host.run("nft -a list ruleset");
      await guards.keep([guard]);
      expect(await host.run("nft -a list ruleset")).toBe(before);
      await host.run("nft flush chain bridge muster-guards forged");
      expect(await reaches("10.10.0.1", "10.10.0.6")).toBe(true);
      await guards.keep([guard]);
      expect(await reaches("10.10.0.1", "10.10.0.6")).toBe(false);
      await guards.keep([]);
      expect(await table()).not.toContain("muster");
    });
  },
);
