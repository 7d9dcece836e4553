/** Virtual clusters on three hosts: members reach each other, a second one with the same addresses is apart, nothing is left. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cluster } from "./cluster.ts";
import { waitFor } from "./waiting.ts";

interface Shown {
  readonly name: string;
  readonly state: string;
  readonly vlan: number;
  readonly publicAddress: string;
  readonly members: readonly {
    readonly inside: string;
    readonly vm: string;
    readonly host: string;
    readonly privateAddress: string;
  }[];
}

const BOOT_LIMIT_MS = 120_000;

describe("virtual clusters", () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.up({ hosts: 3, directory: "/tmp/muster-virtual-clusters" });
    await muster("network", "create", "campus", "--vlan", "10", "--subnet", CAMPUS);
    await muster("cluster", "settings", "set", "--vlans", "100-109", "--public", "campus");
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  const CAMPUS = "203.0.113.0/24,gateway=203.0.113.1,range=203.0.113.50-203.0.113.59";

  async function muster(...words: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await cluster.muster.muster(words);
    expect(exitCode, `muster ${words.join(" ")}: ${stderr}`).toBe(0);
    return stdout;
  }

  const boot = (name: string, nodes: number): Promise<string> =>
    muster(
      ...["cluster", "boot", "--name", name, "--nodes", String(nodes), "--memory", "128M"],
      ...["--disk", "storage=shared,size=64M"],
      ...["--kernel", "/srv/shared/guest/vmlinuz", "--initrd", "/srv/shared/guest/initrd.gz"],
      ...["--cmdline", "console=ttyS0 quiet name={name} addr={addresses} chk=8"],
    );

  const show = (name: string): Promise<Shown> => cluster.muster.json(["cluster", "show", name]);

  /** The name that answers at this address, as this member sees it; empty: nobody does. */
  async function whoIs(vm: string, address: string): Promise<string> {
    const { host } = await cluster.vm(vm);
    const line = ["/bin/sh", "-c", `echo | nc -w 3 ${address} 7`];
    const { stdout } = await cluster.lab.guestExec(host, vm, line);
    return /name=(\S+)/.exec(stdout)?.[1] ?? "";
  }

  const volumes = async (): Promise<readonly string[]> => {
    const listed = await cluster.lab.host("h1").exec(["ls", "/srv/shared/volumes"]);
    return listed.stdout.split("\n").filter((name) => name.endsWith(".qcow2"));
  };

  it("boot as a whole: a frontend and three computes, on all hosts, in one command", async () => {
    expect(await muster("cluster", "settings")).toMatch(/100-109 \(10 free\)[\s\S]*10 addresses/);
    expect(await boot("one", 3)).toMatch(/one is active at 203\.0\.113\.50, with 3 computes/);
    const { members, vlan } = await show("one");
    expect(members.map(({ inside, vm, privateAddress }) => [inside, vm, privateAddress])).toEqual([
      ["one", "one", "10.1.1.1"],
      ["compute-0", "vm-one-0", "10.1.255.254"],
      ["compute-1", "vm-one-1", "10.1.255.253"],
      ["compute-2", "vm-one-2", "10.1.255.252"],
    ]);
    expect(new Set(members.slice(1).map(({ host }) => host)).size).toBe(3);
    expect(vlan).toBe(100);
  });

  it("have the same addresses and do not hear each other", async () => {
    await boot("two", 1);
    const all = [...(await show("one")).members, ...(await show("two")).members];
    await Promise.all(
      all.map(({ vm, host }) => cluster.lab.waitForGuest(host, vm, { timeoutMs: BOOT_LIMIT_MS })),
    );
    expect(await whoIs("vm-one-2", "10.1.1.1")).toBe("one");
    expect(await whoIs("vm-two-0", "10.1.1.1")).toBe("two");
    expect(await whoIs("one", "10.1.255.254")).toBe("compute-0");
    expect(await whoIs("vm-one-0", "10.1.255.253")).toBe("compute-1");
    expect(await whoIs("one", "10.1.255.252")).toBe("compute-2");
    expect(await whoIs("two", "10.1.255.252")).toBe("");
    // Both frontends are on the public network.
    expect(await whoIs("two", "203.0.113.50")).toBe("one");
    expect(await whoIs("vm-two-0", "203.0.113.50")).toBe("");
  });

  it("are not cleaned while a member runs, and leave nothing behind", async () => {
    const refused = await cluster.muster.muster(["cluster", "clean", "two"]);
    expect([refused.exitCode, refused.stderr]).toEqual([
      4,
      expect.stringContaining("node compute-0 still active"),
    ]);
    expect(await muster("cluster", "shutdown", "two", "--grace", "60s")).toContain("shut off");
    await muster("cluster", "clean", "two");
    await muster("cluster", "shutdown", "one", "--grace", "1s", "--force");
    await muster("cluster", "clean", "one");
    expect(await cluster.muster.json(["cluster", "ls"])).toEqual([]);
    expect(await cluster.vms()).toEqual([]);
    expect(await volumes()).toEqual([]);
    expect(await muster("network", "ls", "-o", "name")).toBe("campus\n");
    expect(await muster("address", "ls", "--network", "campus")).not.toMatch(/one|two/);
    expect(await muster("cluster", "settings")).toMatch(/100-109 \(10 free\)[\s\S]*10 addresses/);
    for (const host of cluster.lab.hosts) {
      expect((await cluster.lab.virsh(host.name, ["list", "--all", "--name"])).trim()).toBe("");
      // What hosts probe each other with goes a moment after its network.
      const ports = async () =>
        (await host.exec(["ovs-vsctl", "--columns=name,tag", "list", "Port"])).stdout;
      const isClean = async () => !/tag\s*: 10[0-9]/.test(await ports());
      const what = `${host.name} to have no port of a cluster's VLAN`;
      await waitFor(what, isClean, { timeoutMs: 60_000, explain: ports });
    }
  });
});
