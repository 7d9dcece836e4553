/** Runs inside the kernel lab: shows, with packets, that its kernel does what the network drivers need. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";

interface BridgeVlans {
  readonly ifname: string;
  readonly vlans: readonly { readonly vlan: number; readonly flags?: readonly string[] }[];
}

/** Runs one command line, split at blanks. @throws Error with what it said on an exit code other than 0 */
function command(line: string): string {
  const [program = "", ...args] = line.split(" ");
  return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
}

const reaches = (from: string, address: string): boolean =>
  spawnSync("ip", ["netns", "exec", from, "ping", "-c", "1", "-W", "2", address]).status === 0;

/** A machine at a bridge port: a namespace with one card. */
function station(name: string, address: string): void {
  command(`ip netns add ${name}`);
  command(`ip link add ${name} type veth peer name eth0 netns ${name}`);
  command(`ip -n ${name} addr add ${address}/24 dev eth0`);
  command(`ip -n ${name} link set eth0 up`);
  command(`ip link set ${name} master br0 up`);
  command(`bridge vlan del dev ${name} vid 1`);
}

function vlanFilteringBridge(): void {
  command("ip link add br0 type bridge vlan_filtering 1 vlan_default_pvid 1");
  command("ip link set br0 up");
  for (const [index, vlan] of [10, 10, 20].entries()) {
    station(`s${index}`, `10.1.0.${index + 1}`);
    command(`bridge vlan add dev s${index} vid ${vlan} pvid untagged`);
  }
  const ports = JSON.parse(command("bridge -j vlan show")) as readonly BridgeVlans[];
  const [vlan] = ports.find(({ ifname }) => ifname === "s2")?.vlans ?? [];
  assert.equal(vlan?.vlan, 20);
  assert.deepEqual(vlan.flags, ["PVID", "Egress Untagged"]);
  assert.equal(reaches("s0", "10.1.0.2"), true, "stations of one VLAN reach each other");
  assert.equal(reaches("s0", "10.1.0.3"), false, "a station of another VLAN is out of reach");
}

function taggedTrunk(): void {
  // eth0 and eth1 are the two ends of one wire.
  command("ip netns add far");
  command("ip link set eth1 netns far");
  command("ip -n far link set eth1 up");
  command("ip -n far link add link eth1 name eth1.10 type vlan id 10");
  command("ip -n far addr add 10.1.0.9/24 dev eth1.10");
  command("ip -n far link set eth1.10 up");
  command("ip link set eth0 master br0 up");
  command("bridge vlan add dev eth0 vid 10");
  assert.equal(reaches("s0", "10.1.0.9"), true, "VLAN 10 leaves by the uplink with its tag");
  command("bridge vlan del dev eth0 vid 10");
  assert.equal(reaches("s0", "10.1.0.9"), false, "and no longer when the uplink does not carry it");
}

function otherDevices(): void {
  command("ip link add link br0 name br0.10 type vlan id 10");
  command("ip link add dummy7 type dummy");
  command("ip link add bond7 type bond mode active-backup");
  command("ip link set dummy7 master bond7");
  command("ip link add vxlan7 type vxlan id 7 dstport 4789 local 127.0.0.1");
  command("ip tuntap add tap7 mode tap");
  const links = JSON.parse(command("ip -j link show")) as readonly { readonly ifname: string }[];
  const names = links.map(({ ifname }) => ifname);
  for (const name of ["br0.10", "dummy7", "bond7", "vxlan7", "tap7"])
    assert.ok(names.includes(name), name);
  for (const name of ["dummy0", "bond0"])
    assert.ok(!names.includes(name), `${name} was not asked for`);
}

vlanFilteringBridge();
taggedTrunk();
otherDevices();
console.log(
  `all done on ${process.version}:`,
  process.argv.slice(2).join("|"),
  process.env["JOB_WORD"],
);
