/**
 * Runs inside the kernel lab: uplinks by label, bonds and MTUs on a real kernel, first by hand-made cases, then from random
 * configurations. Prints a line per case; exit code 1 when one failed.
 *
 * host-networks-job COUNT FIRST [without-contract]: so many random configurations, from that one of the sequence on; every second one with one
 * bridge per VLAN.
 */
import { deepEqual, equal, match } from "node:assert/strict";
import {
  networkDefaults,
  type HostInterfaceSpec,
  type NetworkSpec,
  type NicMatch,
  type UplinkAssignment,
} from "@muster/model";
import fc from "fast-check";
import { HostNetworks } from "../../packages/agent/src/networks/host-networks.ts";
import { noLayout, type HostLayout } from "../../packages/agent/src/networks/host-layout.ts";
import { linuxBridging } from "../../packages/agent/src/networks/linux-bridge/linux-bridging.ts";
import {
  anyHostConfiguration,
  SPARE_NICS,
  UNDERLAY_ADDRESS,
  UNDERLAY_NIC,
} from "../../packages/agent/src/networks/testing/host-arbitraries.ts";
import { kernelSnapshot } from "../../packages/agent/src/networks/testing/host-snapshot.ts";
import { vlanBridging } from "../../packages/agent/src/networks/vlan-bridges/vlan-bridging.ts";
import { networkDriverContract } from "../../packages/agent/src/networks/network-driver-contract.ts";
import { LinuxBridgeHost } from "../../packages/agent/src/networks/testing/linux-bridge-host.ts";
import { BatchRunner } from "./batch-runner.ts";
import {
  tryConfiguration,
  type RandomHost,
} from "../../packages/agent/src/networks/testing/random-configurations.ts";

const [, , count = "0", first = "0"] = process.argv;
const SEED = 20_261_127;
const BRIDGE = "muster0";
const UPLINK = "up1";

const runner = new BatchRunner();
const run = (line: string): Promise<string> => runner.run(line.split(" "));
const { clock } = runner;
const openDriver: RandomHost["openDriver"] = (own) =>
  new HostNetworks(
    { bridge: BRIDGE, uplink: UPLINK },
    { bridging: linuxBridging(own), runner: own, clock },
  );
const openVlanBridges: RandomHost["openDriver"] = (own) =>
  new HostNetworks(
    { bridge: "mv", uplink: UPLINK },
    { bridging: vlanBridging(own), runner: own, clock },
  );
const snapshot = () => kernelSnapshot(runner);
const hosts: readonly RandomHost[] = [openDriver, openVlanBridges].map((open) => ({
  runner,
  openDriver: open,
  snapshot,
  say: (line) => {
    console.log(`${line} (${(performance.now() / 1000).toFixed(0)} s)`);
  },
}));

const blue: NetworkSpec = {
  ...networkDefaults,
  name: "blue",
  segment: { kind: "vlan", vlan: 10 },
  uplink: "lan",
};
const bond = {
  name: "bond0",
  mode: "active-backup",
  lacpRate: "slow",
  transmitHash: "layer2",
  miimonMs: 100,
  minLinks: 1,
} as const;

const byName = (name: string): NicMatch => ({ by: "name", name });

const uplink = (nics: readonly string[], change: Partial<UplinkAssignment> = {}): HostLayout => ({
  ...noLayout,
  uplinks: [
    { label: "lan", mtu: 1500, members: nics.map((name) => ({ by: "name", name })), ...change },
  ],
});

async function messageOf(layout: HostLayout, network = blue): Promise<string> {
  const [observed] = await openDriver(runner).apply([network], layout);
  return observed?.message ?? "";
}

const linkOf = async (name: string) =>
  (await kernelSnapshot(runner)).find((link) => link.name === name);

const cases: Readonly<Record<string, () => Promise<void>>> = {
  async "an uplink is found by name, pattern, MAC and driver"() {
    const mac = /link\/ether (\S+)/.exec(await run("ip link show n2"))?.[1] ?? "";
    for (const [member, device] of [
      [{ by: "name", name: "n2" }, "n2"],
      [{ by: "name", name: "n2*" }, "n2"],
      [{ by: "mac", mac }, "n2"],
      [{ by: "driver", driver: "virtio_n*" }, "eth0"],
    ] as const) {
      if (device === "eth0") await run("ip link set eth1 name lo1");
      const layout = uplink([], { members: [member] });
      const driver = openDriver(runner);
      if (device === "eth0") {
        // Two cards of one driver.
        match(await messageOf(layout), /NIC of driver virtio_n\* fits 2 NICs, eth0, lo1: name one/);
        await run("ip link set lo1 name eth1");
        continue;
      }
      deepEqual(await driver.apply([blue], layout).then((all) => all.map((each) => each.message)), [
        "",
      ]);
      const { uplinks } = await driver.observeLayout();
      deepEqual([uplinks[0]?.device, uplinks[0]?.problem], [device, ""]);
      equal((await linkOf(device))?.master, "mb-lan");
    }
  },
  async "refusals name what is wrong and leave the host alone"() {
    const before = await kernelSnapshot(runner);
    match(await messageOf(noLayout), /this host has no uplink lan: define one/);
    match(
      await messageOf(uplink(["n9"])),
      /^uplink lan: this host has no NIC n9; it has eth0, eth1$/,
    );
    match(await messageOf(uplink(["n*"])), /NIC n\* fits 4 NICs, n1, n2, n3, n4: name one/);
    match(
      await messageOf(uplink([UPLINK, "n1"], { bond })),
      /up1 is the uplink in this agent's conf/,
    );
    deepEqual(await kernelSnapshot(runner), before);
    await run("ip addr add 10.9.0.1/24 dev n1");
    match(await messageOf(uplink(["n1"], { bond })), /n1 carries address 10\.9\.0\.1\/24: .* cut/);
    await run("ip addr flush dev n1");
    const twice: HostLayout = {
      ...noLayout,
      uplinks: [...uplink(["n1"]).uplinks, ...uplink(["n2", "n1"], { label: "dmz", bond }).uplinks],
    };
    match(await messageOf(twice, { ...blue, uplink: "dmz" }), /n1 is already used by uplink lan/);
    await openDriver(runner).apply([]);
    await run("ip link add bond0 type bond");
    match(await messageOf(uplink(["n1"], { bond })), /bond0 exists and was not made by muster/);
    await run("ip link del bond0");
    const large = { ...blue, mtu: 1501 };
    match(await messageOf(uplink(["n1"]), large), /MTU 1501 is above the 1500 of uplink n1/);
  },
  async "a bond is made, changes its mode, members and MTU under a bridge, and goes"() {
    const before = await kernelSnapshot(runner);
    equal(await messageOf(uplink(["n1", "n2"], { bond, mtu: 9000 })), "");
    equal((await linkOf("bond0"))?.mtu, 9000);
    equal((await linkOf("n1"))?.mtu, 9000);
    equal((await linkOf("bond0"))?.master, "mb-lan");
    const lacp = { ...bond, mode: "802.3ad", lacpRate: "fast", transmitHash: "layer3+4" } as const;
    equal(await messageOf(uplink(["n2", "n3"], { bond: lacp })), "");
    deepEqual((await linkOf("bond0"))?.bond, {
      mode: "802.3ad",
      lacpRate: "fast",
      transmitHash: "layer3+4",
      miimonMs: 100,
      minLinks: 1,
    });
    equal((await linkOf("n1"))?.master, undefined);
    equal((await linkOf("n3"))?.master, "bond0");
    equal((await linkOf("bond0"))?.mtu, 1500);
    equal(await messageOf(uplink(["n3"])), "", "one of its NICs becomes the uplink itself");
    equal(await linkOf("bond0"), undefined);
    await openDriver(runner).apply([]);
    deepEqual(await kernelSnapshot(runner), before);
  },
  async "addresses move from a NIC to a bridge on a bond, and back when it goes"() {
    await run("ip addr add 10.5.0.5/24 dev n1");
    await run("ip addr add 10.5.0.6/24 dev n1");
    await run("ip route add default via 10.5.0.1 dev n1");
    const before = await kernelSnapshot(runner);
    const own = (change: Partial<HostInterfaceSpec>): HostLayout => ({
      ...noLayout,
      bonds: [{ ...bond, name: "hb0", members: [byName("n1"), byName("n2")] }],
      interfaces: [
        {
          device: { kind: "bond", bond: "hb0" },
          bridge: "brhb0",
          source: "static",
          addresses: ["10.5.0.5/24", "10.5.0.6/24"],
          gateway: "10.5.0.1",
          dns: [],
          ...change,
        },
      ],
    });
    const driver = openDriver(runner);
    const problemOf = async (change: Partial<HostInterfaceSpec>): Promise<string> => {
      await driver.apply([], own(change));
      const { interfaces } = await driver.observeLayout();
      return interfaces.find(({ name }) => name === "brhb0")?.problem ?? "";
    };
    const oneLess: Partial<HostInterfaceSpec> = { addresses: ["10.5.0.5/24"] };
    match(await problemOf(oneLess), /bond hb0: n1 carries address 10\.5\.0\.6\/24.*cut this host/);
    const noWay: HostLayout = { ...own({}) };
    const { gateway: _gateway, ...rest } = own({}).interfaces[0] ?? { gateway: "" };
    await driver.apply([], { ...noWay, interfaces: [rest as HostInterfaceSpec] });
    match(
      (await driver.observeLayout()).interfaces.map(({ problem }) => problem).join(),
      /default route goes by n1 via 10\.5\.0\.1: give brhb0 a gateway/,
    );
    deepEqual(await kernelSnapshot(runner), before, "what is refused changes nothing");
    equal(await problemOf({}), "");
    const bridge = await linkOf("brhb0");
    deepEqual(bridge?.addresses, ["10.5.0.5/24", "10.5.0.6/24"]);
    deepEqual(bridge.routes, [{ device: "brhb0", gateway: "10.5.0.1", isOurs: true }]);
    deepEqual((await linkOf("n1"))?.addresses, []);
    await driver.apply([]);
    deepEqual(await kernelSnapshot(runner), before, "and all is as it was");
    await run("ip addr flush dev n1");
  },
  async "interfaces that cannot be are refused by name"() {
    const problemOf = async (change: Partial<HostInterfaceSpec>): Promise<string> => {
      const driver = openDriver(runner);
      const nic: HostInterfaceSpec = {
        device: { kind: "nic", nic: byName("n1") },
        source: "static",
        addresses: ["10.6.0.5/24"],
        dns: [],
      };
      await driver.apply([], { ...noLayout, interfaces: [{ ...nic, ...change }] });
      return (await driver.observeLayout()).interfaces[0]?.problem ?? "";
    };
    match(await problemOf({ device: { kind: "nic", nic: byName("n9") } }), /has no NIC n9/);
    match(await problemOf({ device: { kind: "nic", nic: byName("n*") } }), /fits 4 NICs, n1, n2/);
    match(await problemOf({ source: "dhcp", addresses: [] }), /source dhcp/);
    match(await problemOf({ bridge: UPLINK }), /device up1 exists and was not made by muster/);
    equal(await problemOf({}), "");
    deepEqual((await linkOf("n1"))?.addresses, ["10.6.0.5/24"]);
  },
  async "a bond works without a NIC that is not there, and says so"() {
    const driver = openDriver(runner);
    const [observed] = await driver.apply([blue], uplink(["n1", "n9"], { bond }));
    equal(observed?.state, "ready");
    match(
      (await driver.observeLayout()).uplinks[0]?.problem ?? "",
      /bond0 works without NIC n9: not on this host/,
    );
  },
};

async function runCase(name: string, work: () => Promise<void>): Promise<boolean> {
  const startedMs = performance.now();
  const bare = await kernelSnapshot(runner);
  try {
    await work();
    await openDriver(runner).apply([]);
    deepEqual(await kernelSnapshot(runner), bare, "nothing is left");
  } catch (error) {
    console.log(`not ok - ${name}`);
    console.log(error);
    return false;
  }
  console.log(`ok - ${name} (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`);
  return true;
}

async function prepare(): Promise<void> {
  for (const nic of [UPLINK, ...SPARE_NICS]) await run(`ip link add ${nic} type dummy`);
  await run(`ip link add ${UNDERLAY_NIC} type dummy`);
  await run(`ip link set ${UNDERLAY_NIC} up`);
  await run(`ip addr add ${UNDERLAY_ADDRESS} dev ${UNDERLAY_NIC}`);
  await run(`ip link set ${UPLINK} mtu 1600 up`);
  await run("ip link set n1 up");
  await run("ip link set n2 up");
  await run("ip link set n3 mtu 1400");
  await run("ip link set n4 mtu 9000 up");
}

let failed = 0;
if (first === "0" && process.argv[4] !== "without-contract") {
  for (const contractCase of networkDriverContract) {
    const isGood = await runCase(`one bridge per VLAN: ${contractCase.name}`, async () => {
      await using contractHost = await LinuxBridgeHost.make(runner, "vlan-bridges");
      await contractCase.run(contractHost);
    });
    if (!isGood) failed += 1;
  }
}
await prepare();
for (const [name, work] of Object.entries(first === "0" ? cases : {})) {
  if (!(await runCase(name, work))) failed += 1;
}
const totals = { configurations: 0, interruptions: 0 };
const samples = hosts.map((_, kind) => {
  const trunks = kind === 0;
  const one = anyHostConfiguration({ bonds: true, vlans: true, trunks, configuredUplinkMtu: 1600 });
  return fc.sample(fc.tuple(one, one), { seed: SEED, numRuns: Number(first) + Number(count) });
});
for (let index = Number(first); index < Number(first) + Number(count); index += 1) {
  const host = hosts[index % hosts.length];
  const pair = samples[index % hosts.length]?.[index];
  if (host === undefined || pair === undefined) break;
  const name = `configuration ${String(index)}, ${host.openDriver(runner).name}`;
  if (await runCase(name, () => tryConfiguration(host, pair, totals))) continue;
  failed += 1;
  console.log(JSON.stringify(pair));
  break;
}
console.log(
  `# ${String(totals.configurations)} configurations, ${String(totals.interruptions)} interruptions, ${String(failed)} failed`,
);
runner.end();
process.exitCode = failed === 0 ? 0 : 1;
