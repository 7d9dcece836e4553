/**
 * Runs inside the kernel lab: the contract of network drivers on a VLAN-aware Linux bridge, and what is particular to
 * it. Prints a line per case; exit code 1 when one failed.
 */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { networkDefaults, parseVmId, type NetworkSpec } from "@muster/model";
import {
  processRunner,
  type CommandRunner,
} from "../../packages/agent/src/networks/command-runner.ts";
import { LinuxBridgeDriver } from "../../packages/agent/src/networks/linux-bridge/linux-bridge-driver.ts";
import { UNTAGGED_VLAN } from "../../packages/agent/src/networks/linux-bridge/port-frames.ts";
import {
  networkDriverContract,
  type ContractCase,
} from "../../packages/agent/src/networks/network-driver-contract.ts";
import {
  BRIDGE,
  LinuxBridgeHost,
  UPLINK,
} from "../../packages/agent/src/networks/testing/linux-bridge-host.ts";

const network = (name: string, vlan: number, mtu = 1500): NetworkSpec => ({
  ...networkDefaults,
  name,
  segment: { kind: "vlan", vlan },
  mtu,
});
const blue = network("blue", 10);
const green = network("green", 20);
const vmId = parseVmId("6f1c2b52-8f0e-4b0c-9c58-0a1b2c3d4e5f");
const nic = { vmId, index: 0, mac: "52:54:00:0a:00:05", network: blue };
const TAP = "mt1b2c3d4e5f-0";

interface BridgeCase {
  readonly name: string;
  run(host: LinuxBridgeHost): Promise<void>;
}

/** A runner that changes the host `count` times and then fails for good: an agent that dies there. */
function dyingRunner(count: number): CommandRunner {
  let left = count;
  return {
    async run(argv, options) {
      const isQuestion = argv.includes("show");
      if (!isQuestion && left <= 0) throw new Error("the agent was killed");
      if (!isQuestion) left -= 1;
      return processRunner.run(argv, options);
    },
  };
}

/** Lets `work` die after each of its changes in turn, and has `finish` clean up behind every death. */
async function dieAtEveryChange(
  work: (runner: CommandRunner) => Promise<unknown>,
  finish: () => Promise<void>,
): Promise<number> {
  for (let count = 0; ; count += 1) {
    let died = false;
    try {
      await work(dyingRunner(count));
    } catch (error) {
      match(String(error), /the agent was killed/);
      died = true;
    }
    await finish();
    if (!died) return count;
  }
}

/** One packet there and back. What an earlier attempt learned about the way is forgotten first. */
async function reaches(host: LinuxBridgeHost, from: string, address: string): Promise<boolean> {
  await host.run(`ip -n ${from} neigh flush dev eth0`);
  const ping = ["netns", "exec", from, "ping", "-c", "1", "-W", "2", address];
  return spawnSync("ip", ping).status === 0;
}

/** A machine in a namespace, its card on our bridge just as a tap of that VLAN is. */
async function addStation(host: LinuxBridgeHost, name: string, vlan: number): Promise<void> {
  await host.run(`ip netns add ${name}`);
  await host.run(`ip link add ${name} type veth peer name eth0 netns ${name}`);
  await host.run(`ip -n ${name} link set eth0 up`);
  await host.run(`ip link set ${name} master ${BRIDGE} up`);
  await host.run(`bridge vlan add dev ${name} vid ${vlan} pvid untagged`);
}

/** The other end of the uplink's wire as the rest of the site: one address on each VLAN, tagged. */
async function addSite(host: LinuxBridgeHost): Promise<void> {
  await host.run("ip netns add site");
  await host.run("ip link set wire netns site");
  await host.run("ip -n site link set wire up");
  for (const vlan of [10, 20]) {
    await host.run(`ip -n site link add link wire name wire.${vlan} type vlan id ${vlan}`);
    await host.run(`ip -n site addr add 10.${vlan}.0.9/24 dev wire.${vlan}`);
    await host.run(`ip -n site link set wire.${vlan} up`);
  }
}

async function passesPackets(host: LinuxBridgeHost): Promise<void> {
  const driver = host.openDriver();
  await driver.apply([blue]);
  await addSite(host);
  await addStation(host, "s1", 10);
  await addStation(host, "s2", 10);
  await addStation(host, "s3", 20);
  await addStation(host, "s4", UNTAGGED_VLAN);
  try {
    await host.run("ip -n s1 addr add 10.10.0.1/24 dev eth0");
    await host.run("ip -n s2 addr add 10.10.0.2/24 dev eth0");
    await host.run("ip -n s3 addr add 10.10.0.3/24 dev eth0");
    await host.run("ip -n s3 addr add 10.20.0.3/24 dev eth0");
    ok(await reaches(host, "s1", "10.10.0.2"), "two VMs of one network reach each other");
    ok(!(await reaches(host, "s1", "10.10.0.3")), "a VM of another network is out of reach");
    ok(await reaches(host, "s1", "10.10.0.9"), "frames leave by the uplink with the network's tag");
    ok(!(await reaches(host, "s3", "10.20.0.9")), "the uplink does not carry a VLAN of no network");
    await driver.apply([blue, green]);
    ok(await reaches(host, "s3", "10.20.0.9"), "and carries it once the network is there");
    await driver.apply([blue]);
    ok(!(await reaches(host, "s3", "10.20.0.9")), "and no longer when it is gone");
    ok(await reaches(host, "s1", "10.10.0.9"), "while the other goes on");
    await host.run("ip -n s4 addr add 10.40.0.4/24 dev eth0");
    await host.run("ip -n site addr add 10.40.0.9/24 dev wire");
    ok(!(await reaches(host, "s4", "10.40.0.9")), "the uplink carries no untagged frames");
    const plain: NetworkSpec = { ...blue, name: "plain", segment: { kind: "untagged" } };
    await driver.apply([blue, plain]);
    ok(await reaches(host, "s4", "10.40.0.9"), "but with an untagged network it does");
    ok(!(await reaches(host, "s1", "10.40.0.9")), "and to no other VLAN's VMs");
    ok(await reaches(host, "s1", "10.10.0.9"), "whose frames keep their tag");
  } finally {
    for (const name of ["site", "s1", "s2", "s3", "s4"]) await host.run(`ip netns del ${name}`);
  }
}

async function firstMessage(host: LinuxBridgeHost): Promise<string> {
  const [observed] = await host.openDriver().apply([blue]);
  return observed?.message ?? "";
}

const particulars: readonly BridgeCase[] = [
  { name: "keeps VLANs apart and carries them over the uplink", run: passesPackets },
  {
    name: "gives a NIC a tap that is named, marked and on its VLAN only",
    async run(host) {
      const driver = host.openDriver();
      await driver.apply([blue, network("large", 30, 1600)]);
      const large = { ...nic, network: network("large", 30, 1600) };
      deepEqual(await driver.plug(large), { kind: "tap", device: TAP, mtu: 1600 });
      deepEqual(
        (await host.snapshot()).find(({ name }) => name === TAP),
        {
          name: TAP,
          kind: "tun",
          alias: `muster:tap vm=${vmId} nic=0`,
          group: "default",
          altNames: [],
          master: BRIDGE,
          mtu: 1600,
          isUp: true,
          bridge: undefined,
          macAddress: "fe:54:00:0a:00:05",
          vlans: [{ vlan: 30, isPvid: true, isUntagged: true }],
        },
      );
    },
  },
  {
    name: "corrects what was changed behind its back",
    async run(host) {
      const driver = host.openDriver();
      await driver.apply([blue]);
      const right = await host.snapshot();
      for (const damage of [
        `bridge vlan del dev ${UPLINK} vid 10`,
        `bridge vlan add dev ${UPLINK} vid 10 pvid untagged`,
        `ip link set ${UPLINK} down`,
        `ip link set ${UPLINK} nomaster`,
        `ip link set ${BRIDGE} down`,
        `ip link set ${BRIDGE} type bridge vlan_filtering 0`,
        `ip link property del dev ${BRIDGE} altname muster.blue.vlan10.mtu1500`,
        `ip link del ${BRIDGE}`,
      ]) {
        await host.run(damage);
        const [observed] = await driver.observe();
        equal(observed?.state, "failed", damage);
        deepEqual(
          (await driver.apply([blue])).map(({ state }) => state),
          ["ready"],
          damage,
        );
        deepEqual(await host.snapshot(), right, damage);
      }
    },
  },
  {
    name: "leaves a device of its bridge's name alone when somebody else made it",
    async run(host) {
      await host.run(`ip link add ${BRIDGE} type bridge vlan_filtering 1`);
      const before = await host.snapshot();
      match(await firstMessage(host), /muster0 exists and was not made by muster/);
      await rejects(host.openDriver().plug(nic), /was not made by muster/);
      deepEqual(await host.openDriver().apply([]), []);
      deepEqual(await host.snapshot(), before);
    },
  },
  {
    name: "refuses an uplink with an address, in a bond, or whose VLAN a device takes",
    async run(host) {
      await host.run(`ip link add link ${UPLINK} name ${UPLINK}.10 type vlan id 10`);
      equal(await firstMessage(host), "VLAN 10 of uplink up1 is in use by device up1.10");
      await host.run(`ip link del ${UPLINK}.10`);
      await host.run(`ip addr add 10.9.0.1/24 dev ${UPLINK}`);
      match(await firstMessage(host), /carries address 10\.9\.0\.1\/24: .* cut this host off/);
      await host.run(`ip addr flush dev ${UPLINK}`);
      await host.run("ip link add bond7 type bond mode active-backup");
      await host.run(`ip link set ${UPLINK} down`);
      await host.run(`ip link set ${UPLINK} master bond7`);
      match(await firstMessage(host), /belongs to bond7/);
      ok(!(await host.snapshot()).some(({ name }) => name === BRIDGE));
    },
  },
  {
    name: "follows the configuration to another uplink and none",
    async run(host) {
      await host.openDriver().apply([blue]);
      await host.run("ip link add up2 mtu 1600 type veth peer name wire2");
      await host.run("ip link set wire2 up");
      const moved = new LinuxBridgeDriver({ bridge: BRIDGE, uplink: "up2" }, processRunner);
      equal((await moved.apply([blue]))[0]?.message, "");
      const masters = async () =>
        (await host.snapshot()).filter(({ master }) => master === BRIDGE).map(({ name }) => name);
      deepEqual(await masters(), ["up2"]);
      const inside = new LinuxBridgeDriver({ bridge: BRIDGE, uplink: undefined }, processRunner);
      equal((await inside.apply([blue]))[0]?.message, "");
      deepEqual(await masters(), []);
    },
  },
  {
    name: "finishes after dying at any change of apply, of removal and of plug",
    async run(host) {
      const before = await host.snapshot();
      await host.openDriver().apply([blue, green]);
      const made = await host.snapshot();
      const applied = await dieAtEveryChange(
        async (runner) => {
          await host.openDriver().apply([]);
          await host.openDriver(runner).apply([blue, green]);
        },
        async () => {
          await host.openDriver().apply([blue, green]);
          deepEqual(await host.snapshot(), made);
        },
      );
      const removed = await dieAtEveryChange(
        async (runner) => {
          await host.openDriver().apply([blue, green]);
          await host.openDriver(runner).apply([]);
        },
        async () => {
          await host.openDriver().apply([]);
          deepEqual(await host.snapshot(), before);
        },
      );
      await host.openDriver().apply([blue, green]);
      await host.openDriver().plug(nic);
      const plugged = await host.snapshot();
      const plugs = await dieAtEveryChange(
        async (runner) => {
          await host.openDriver().unplug(vmId);
          deepEqual(await host.snapshot(), made);
          await host.openDriver(runner).plug(nic);
        },
        async () => {
          await host.openDriver().plug(nic);
          deepEqual(await host.snapshot(), plugged);
        },
      );
      // Died between making a tap and marking it: still known for the VM's.
      await host.openDriver().unplug(vmId);
      await rejects(host.openDriver(dyingRunner(1)).plug(nic));
      await host.openDriver().unplug(vmId);
      deepEqual(await host.snapshot(), made);
      console.log(`# died at ${applied}, ${removed} and ${plugs} changes`);
    },
  },
];

async function runCase(contractCase: ContractCase | BridgeCase): Promise<boolean> {
  const startedMs = performance.now();
  const before = await processRunner.run(["ip", "-br", "link"]);
  try {
    await using host = await LinuxBridgeHost.make(processRunner);
    await contractCase.run(host);
  } catch (error) {
    console.log(`not ok - ${contractCase.name}`);
    console.log(error);
    return false;
  }
  const names = (text: string) => text.split("\n").map((line) => line.split(" ")[0]);
  deepEqual(names(await processRunner.run(["ip", "-br", "link"])), names(before));
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`ok - ${contractCase.name} (${seconds} s)`);
  return true;
}

let failed = 0;
for (const contractCase of [...networkDriverContract, ...particulars]) {
  if (!(await runCase(contractCase))) failed += 1;
}
const all = networkDriverContract.length + particulars.length;
console.log(`# ${all - failed} of ${all} cases passed`);
process.exitCode = failed === 0 ? 0 : 1;
