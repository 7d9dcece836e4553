/** Guests on networks: reach whom they should and nobody else, also when they lie about who they are. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cluster } from "./cluster.ts";

const BLUE = "10.10.0";
const VIOLET = "10.30.0";

describe("guests on networks", () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.up({
      hosts: 3,
      directory: "/tmp/muster-guests",
      // Room for all guests of this file at once, with a host to spare.
      coordinatorOptions: { "capacity.cpu-overcommit": "16" },
    });
    const create = async (...words: readonly string[]): Promise<void> => {
      const { exitCode, stderr } = await cluster.muster.muster(["network", "create", ...words]);
      expect(exitCode, stderr).toBe(0);
    };
    await create("blue", "--vlan", "10", "--guard", "all", "--subnet", `${BLUE}.0/24`);
    await create("green", "--vlan", "20");
    await create("wide", "--trunk", "10-19");
    const violet = `${VIOLET}.0/24,dhcp=yes,gateway=${VIOLET}.254`;
    await create("violet", "--vlan", "30", "--guard", "all", "--subnet", violet);
    const guest = async (name: string, host: string, address: string, network: string) =>
      cluster.createVm({
        ...{ name, host, guest: `addr=${address}/24` },
        nics: [{ network, ...(network === "blue" ? { addresses: [address] } : {}) }],
      });
    const operations = await Promise.all([
      guest("honest", "h2", `${BLUE}.2`, "blue"),
      guest("forger", "h1", `${BLUE}.1`, "blue"),
      // The addresses of blue, on another VLAN.
      guest("apart", "h3", `${BLUE}.3`, "green"),
      cluster.createVm({
        ...{ name: "tagger", host: "h3", guest: "addr=192.0.2.1/24" },
        nics: [
          {
            network: "wide",
            trunk: [
              { first: 10, last: 10 },
              { first: 12, last: 12 },
            ],
          },
        ],
      }),
      cluster.createVm({
        ...{ name: "asker", host: "h2", guest: "addr=dhcp" },
        nics: [{ network: "violet", addresses: [`${VIOLET}.7`] }],
      }),
    ]);
    for (const operation of operations) await cluster.succeeded(operation);
    for (const name of ["honest", "forger", "apart", "tagger", "asker"]) {
      await cluster.lab.waitForGuest(await hostOf(name), name);
    }
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  const hostOf = async (name: string): Promise<string> => (await cluster.vm(name)).host;

  async function inGuest(name: string, line: string): Promise<number> {
    const argv = ["/bin/sh", "-c", `PATH=/bin:/sbin; ${line}`];
    return (await cluster.lab.guestExec(await hostOf(name), name, argv)).exitCode;
  }

  const reaches = async (name: string, address: string, how = ""): Promise<boolean> =>
    (await inGuest(name, `ip neigh flush all; ping -c 1 -W 2 ${how} ${address}`)) === 0;

  const works = async (name: string, line: string): Promise<void> => {
    expect(await inGuest(name, line), line).toBe(0);
  };

  it("reach each other across hosts on one VLAN, and nobody on another", async () => {
    expect(await reaches("forger", `${BLUE}.2`)).toBe(true);
    expect(await reaches("honest", `${BLUE}.1`)).toBe(true);
    expect(await reaches("forger", `${BLUE}.3`)).toBe(false);
    expect(await reaches("apart", `${BLUE}.2`)).toBe(false);
  });

  it("carry on a trunk the VLANs they were given, and no other of the network", async () => {
    await works("tagger", "modprobe 8021q");
    for (const vlan of [10, 11]) {
      await works("tagger", `ip link add link eth0 name v${vlan} type vlan id ${vlan}`);
      await works("tagger", `ip addr add ${BLUE}.9/24 dev v${vlan}; ip link set v${vlan} up`);
      // Not a NIC of blue: what guards blue's NICs does not hold it up.
      expect(await reaches("tagger", `${BLUE}.2`, `-I v${vlan}`), `VLAN ${vlan}`).toBe(vlan === 10);
      await works("tagger", `ip link del v${vlan}`);
    }
  });

  /** What a guest may try; each takes back what it did. */
  async function forging(): Promise<readonly string[]> {
    const passed: string[] = [];
    const attempt = async (what: string, lie: string, back: string, how = ""): Promise<void> => {
      await works("forger", lie);
      if (await reaches("forger", `${BLUE}.2`, how)) passed.push(what);
      await works("forger", back);
    };
    await attempt(
      "another's address",
      `ip addr add ${BLUE}.7/24 dev eth0`,
      `ip addr del ${BLUE}.7/24 dev eth0`,
      `-I ${BLUE}.7`,
    );
    await attempt(
      "another's MAC",
      "cat /sys/class/net/eth0/address > /run/mac; ip link set eth0 address 52:54:00:ff:ff:01",
      "ip link set eth0 address $(cat /run/mac)",
    );
    return passed;
  }

  it("reach nobody with a forged address or MAC, before and after a move", async () => {
    expect(await forging()).toEqual([]);
    expect(await reaches("forger", `${BLUE}.2`)).toBe(true);

    await cluster.succeeded(await cluster.migrateVm("forger", { host: "h3" }));
    expect(await hostOf("forger")).toBe("h3");
    expect(await forging()).toEqual([]);
    expect(await reaches("forger", `${BLUE}.2`)).toBe(true);
    const flows = async (host: string): Promise<string> =>
      (await cluster.lab.host(host).exec(["ovs-ofctl", "dump-flows", "br0"])).stdout;
    expect(await flows("h3")).toContain("cookie=0x6d73");
    // Nothing is left where it was.
    await cluster.muster.eventually(
      20_000,
      async () => !(await flows("h1")).includes("cookie=0x6d73"),
      "a switch without its flows",
    );
  });

  it("stay guarded when the agent is killed, and when the switch forgets its flows", async () => {
    await cluster.killAgent("h3");
    expect(await forging()).toEqual([]);
    await cluster.lab
      .host("h3")
      .exec(["ovs-ofctl", "del-flows", "br0", "cookie=0x6d73000000000000/0xffff000000000000"]);
    await cluster.muster.startAgent("h3");
    await cluster.muster.eventually(20_000, async () => (await forging()).length === 0, "guards");
    expect(await reaches("forger", `${BLUE}.2`)).toBe(true);
  });

  it("get their address by DHCP from the host they are on, also after a move and without its agent's first life", async () => {
    const has = async (): Promise<boolean> =>
      (await inGuest("asker", `ip addr show eth0 | grep -q ' ${VIOLET}.7/24 '`)) === 0;
    await cluster.muster.eventually(30_000, has, "an address by DHCP");
    const askAgain = async (): Promise<void> => {
      await works("asker", "ip addr flush dev eth0 scope global");
      await works("asker", "udhcpc -i eth0 -n -q -t 10 -T 1 -s /bin/udhcpc.sh");
      expect(await has()).toBe(true);
    };
    await cluster.succeeded(await cluster.migrateVm("asker", { host: "h1" }));
    await cluster.killAgent("h1");
    await cluster.muster.startAgent("h1");
    await askAgain();
    const servers = async (host: string): Promise<number> => {
      const ps = await cluster.lab.host(host).exec(["pgrep", "-c", "dnsmasq"], { check: false });
      return Number(ps.stdout);
    };
    await cluster.muster.eventually(20_000, async () => (await servers("h1")) === 1, "one server");
    // It is killed: another takes its place.
    await cluster.lab.host("h1").exec(["sh", "-c", "kill -KILL $(pgrep -x dnsmasq)"]);
    await cluster.muster.eventually(20_000, async () => (await servers("h1")) === 1, "a new one");
    await askAgain();
    await cluster.succeeded(await cluster.removeVm("asker"));
    const { exitCode, stderr } = await cluster.muster.muster(["network", "rm", "violet"]);
    expect(exitCode, stderr).toBe(0);
    await cluster.muster.eventually(20_000, async () => (await servers("h1")) === 0, "no server");
    const { stdout } = await cluster.lab.host("h1").exec(["ip", "netns", "list"]);
    expect(stdout).not.toContain("muster-net-");
  });

  it("do not get an address that somebody has whom muster does not know", async () => {
    const h3 = cluster.lab.host("h3");
    for (const line of [
      "ip netns add somebody",
      "ip link add alien0 type veth peer name alien1 netns somebody",
      "ip link set alien0 up",
      "ovs-vsctl add-port br0 alien0 tag=10",
      `ip -n somebody addr add ${BLUE}.50/24 dev alien1`,
      "ip -n somebody link set alien1 up",
    ]) {
      await h3.exec(line.split(" "));
    }
    const create = async (name: string, address: string) =>
      cluster.ended(
        (
          await cluster.createVm({
            ...{ name, host: "h1", stopped: true },
            nics: [{ network: "blue", addresses: [address] }],
          })
        ).id,
      );
    const refused = await create("late", `${BLUE}.50`);
    expect(refused.error?.message).toMatch(/address 10\.10\.0\.50 on network blue is in use: /);
    expect(await cluster.vmIfAny("late")).toBeUndefined();
    expect((await create("early", `${BLUE}.51`)).error).toBeUndefined();
  });

  it("get addresses and MACs that nobody else has, twenty at once", async () => {
    const names = Array.from({ length: 20 }, (_, index) => `crowd-${String(index)}`);
    const operations = await Promise.all(
      names.map((name) => cluster.createVm({ name, network: "blue", stopped: true })),
    );
    for (const operation of operations) await cluster.succeeded(operation);
    const nics = (await cluster.vms()).flatMap((vm) => vm.spec?.nics ?? []);
    const addresses = nics.flatMap(({ addresses }) => addresses);
    expect(new Set(nics.map(({ mac }) => mac)).size).toBe(nics.length);
    expect(addresses.length).toBeGreaterThanOrEqual(22);
    expect(new Set(addresses).size).toBe(addresses.length);
  });
});
