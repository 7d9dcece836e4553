/** The random configurations on a real Open vSwitch in namespaces of its own. */
import { systemClock } from "@muster/runtime";
import fc from "fast-check";
import { HostNetworks } from "../host-networks.ts";
import { openvswitchBridging } from "../openvswitch/openvswitch-bridging.ts";
import {
  anyHostConfiguration,
  SPARE_NICS,
  UNDERLAY_ADDRESS,
  UNDERLAY_NIC,
} from "./host-arbitraries.ts";
import { openvswitchSnapshot } from "./openvswitch-snapshot.ts";
import { startOpenvswitch, UPLINK_MTU } from "./private-openvswitch.ts";
import { tryConfiguration, type RandomHost, type RandomTotals } from "./random-configurations.ts";

const SEED = 20_261_127;

export async function tryOnOpenvswitch(
  { first, count }: { readonly first: number; readonly count: number },
  print: (line: string) => void = () => undefined,
): Promise<RandomTotals> {
  const totals = { configurations: 0, interruptions: 0 };
  await using openvswitch = await startOpenvswitch();
  for (const nic of SPARE_NICS) {
    await openvswitch.run(`ip link add ${nic} type veth peer name far-${nic}`);
    await openvswitch.run(`ip link set far-${nic} mtu 9000 up`);
  }
  await openvswitch.run("ip link set n1 up");
  await openvswitch.run("ip link set n3 mtu 1400");
  await openvswitch.run("ip link set n4 mtu 9000 up");
  await openvswitch.run(`ip link add ${UNDERLAY_NIC} type veth peer name far-${UNDERLAY_NIC}`);
  await openvswitch.run(`ip link set far-${UNDERLAY_NIC} up`);
  await openvswitch.run(`ip link set ${UNDERLAY_NIC} up`);
  await openvswitch.run(`ip addr add ${UNDERLAY_ADDRESS} dev ${UNDERLAY_NIC}`);
  const host: RandomHost = {
    runner: openvswitch.runner,
    openDriver: (runner) =>
      new HostNetworks(
        { bridge: "br0", uplink: "eth1" },
        {
          bridging: openvswitchBridging({ datapath: "netdev" }, runner),
          runner,
          clock: systemClock,
        },
      ),
    snapshot: () => openvswitchSnapshot(openvswitch.runner),
  };
  // This machine's kernel may have no bonds; those are under test in the kernel lab.
  const one = anyHostConfiguration({
    bonds: false,
    vlans: false,
    trunks: true,
    configuredUplinkMtu: UPLINK_MTU,
  });
  const pairs = fc.sample(fc.tuple(one, one), { seed: SEED, numRuns: first + count });
  for (const [index, pair] of pairs.entries()) {
    if (index < first) continue;
    try {
      await tryConfiguration(host, pair, totals);
    } catch (error) {
      print(`configuration ${String(index)}: ${JSON.stringify(pair)}`);
      throw error;
    }
    print(`ok - configuration ${String(index)} on Open vSwitch`);
  }
  return totals;
}
