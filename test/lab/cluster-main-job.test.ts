/** The main job, as a person does it with `muster`: hosts, networks, VMs, and a live move that the guest does not notice. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cluster } from "./cluster.ts";

interface ListedVm {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly host: string;
}

describe("the main job", () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.up({ hosts: 3, directory: "/tmp/muster-main-job" });
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  async function muster(...words: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await cluster.muster.muster(words);
    expect(exitCode, `muster ${words.join(" ")}: ${stderr}`).toBe(0);
    return stdout;
  }

  const create = (name: string, host: string, network: string, address: string): Promise<string> =>
    muster(
      ...["vm", "create", name, "--host", host, "--network", network, "--memory", "128M"],
      ...["--disk", "storage=shared,size=64M", "--reason", "the main job"],
      ...["--kernel", "/srv/shared/guest/vmlinuz", "--initrd", "/srv/shared/guest/initrd.gz"],
      ...["--cmdline", `console=ttyS0 quiet name=${name} addr=${address}/24 chk=8`],
    );

  const vms = (): Promise<readonly ListedVm[]> => cluster.muster.json(["vm", "ls"]);
  const hostOf = async (name: string): Promise<string> => (await cluster.vm(name)).host;
  const inGuest = async (name: string, argv: readonly string[]) =>
    cluster.lab.guestExec(await hostOf(name), name, argv);

  it("shows the hosts with what they have", async () => {
    const hosts = await cluster.muster.json<readonly { readonly inventory?: object }[]>([
      "host",
      "ls",
    ]);
    expect(hosts).toHaveLength(3);
    for (const host of hosts) expect(host).toMatchObject({ state: "online", claimedCpus: 0 });
    expect(await muster("host", "show", "h1")).toMatch(/QEMU/i);
  });

  it("brings networks to every host", async () => {
    await muster("network", "create", "blue", "--vlan", "10");
    await muster("network", "create", "green", "--vlan", "20");
    expect(await muster("network", "ls")).toMatch(/blue[\s\S]*green/);
  });

  it("changes nothing in a dry run", async () => {
    await muster("vm", "create", "ghost", "--memory", "128M", "--dry-run");
    await muster("network", "create", "red", "--vlan", "30", "--dry-run");
    expect(await vms()).toEqual([]);
    expect(await muster("network", "ls")).not.toContain("red");
    expect(await muster("explain", "vm", "--cpus", "1", "--memory", "128M")).toMatch(/h[123]/);
  });

  it("creates VMs that boot", async () => {
    await Promise.all([
      create("blue-1", "h1", "blue", "10.10.0.1"),
      create("blue-2", "h2", "blue", "10.10.0.2"),
      create("green-1", "h3", "green", "10.10.0.3"),
    ]);
    expect((await vms()).map(({ name, state, host }) => `${name} ${state} ${host}`)).toEqual([
      "blue-1 running h1",
      "blue-2 running h2",
      "green-1 running h3",
    ]);
    const names = ["blue-1", "blue-2", "green-1"] as const;
    for (const name of names)
      await cluster.lab.waitForGuest(await hostOf(name), name, { timeoutMs: 90_000 });
  });

  it("connects one VLAN across hosts, and keeps the other apart", async () => {
    const reaches = async (from: string, address: string): Promise<boolean> =>
      (await inGuest(from, ["/bin/ping", "-c", "1", "-W", "2", address])).exitCode === 0;
    expect(await reaches("blue-1", "10.10.0.2")).toBe(true);
    const line = await inGuest("blue-1", ["/bin/sh", "-c", "echo | nc -w 3 10.10.0.2 7"]);
    expect(line.stdout).toContain("name=blue-2");
    expect(await reaches("blue-1", "10.10.0.3")).toBe(false);
    expect(await reaches("green-1", "10.10.0.2")).toBe(false);
  });

  it("shows a VM's console", async () => {
    expect(await muster("vm", "console", "blue-1", "--for", "3s")).toMatch(/LAB name=blue-1 boot=/);
  });

  it("moves a running VM without its guest noticing", async () => {
    const before = await cluster.lab.guestStatus("h1", "blue-1");
    await muster("vm", "migrate", "blue-1", "--host", "h3", "--reason", "h1 gets new memory");
    expect(await cluster.sightings("blue-1")).toEqual(["h3 running"]);
    const after = await cluster.lab.guestStatus("h3", "blue-1");
    expect([after.boot, after.memoryErrors, after.diskErrors]).toEqual([before.boot, 0, 0]);
    expect(after.count).toBeGreaterThanOrEqual(before.count);
    const ping = ["/bin/ping", "-c", "1", "-W", "5", "10.10.0.2"];
    expect((await inGuest("blue-1", ping)).exitCode).toBe(0);
  });

  it("cancels a move that somebody watches", async () => {
    const { id } = await cluster.migrateVm("blue-1", { bandwidthMibPerSecond: 12 });
    const watching = cluster.muster.muster(["op", "watch", id]);
    await cluster.transferring(id);
    await cluster.muster.muster(["op", "cancel", id]);
    expect((await watching).exitCode).toBe(7);
    expect(await cluster.listed("blue-1")).toBe("running on h3");
  });

  it("keeps a plan that evens the hosts, runs it once approved, and finds its promise kept", async () => {
    const before = await cluster.lab.guestStatus("h3", "green-1");
    const { keptPlans, scoreBefore, scoreAfter } = await cluster.muster.json<{
      readonly keptPlans: readonly string[];
      readonly scoreBefore: number;
      readonly scoreAfter: number;
    }>(["plan", "rebalance"]);
    expect(scoreAfter).toBeLessThan(scoreBefore);
    const [plan = ""] = keptPlans;
    // blue-1 has just been moved and stays; that leaves green-1 for the empty host.
    expect(await muster("plan", "show", plan, "--check")).toMatch(/green-1 +h3 +h1/);
    await muster("plan", "approve", plan);
    expect(await muster("plan", "run", plan)).toMatch(/is verified[\s\S]*1 of 1 VMs/);
    expect(await cluster.sightings("green-1")).toEqual(["h1 running"]);
    const after = await cluster.lab.guestStatus("h1", "green-1");
    expect([after.boot, after.memoryErrors, after.diskErrors]).toEqual([before.boot, 0, 0]);
    expect(await muster("plan", "ls")).toMatch(new RegExp(`${plan} +rebalance +verified`));
  });

  it("brings back what a drain took away", async () => {
    await muster("host", "drain", "h1");
    expect(await cluster.sightings("green-1")).not.toEqual(["h1 running"]);
    await muster("host", "return", "h1", "--uncordon");
    expect(await cluster.sightings("green-1")).toEqual(["h1 running"]);
    expect(await muster("explain", "host", "h1")).toMatch(/VMs \(1\): green-1/);
  });

  it("pauses, resumes, reboots, stops and starts", async () => {
    const boot = (await cluster.lab.guestStatus("h2", "blue-2")).boot;
    await muster("vm", "pause", "blue-2");
    await cluster.shows("blue-2", "paused");
    await muster("vm", "resume", "blue-2");
    await cluster.shows("blue-2", "running");
    await muster("vm", "reboot", "blue-2", "--force");
    await cluster.muster.eventually(
      60_000,
      async () =>
        (await cluster.lab.waitForGuest("h2", "blue-2", { timeoutMs: 60_000 })).boot !== boot,
      "another boot",
    );
    // Asked over ACPI: a guest that does not know of it would run on.
    await muster("vm", "stop", "blue-2");
    await cluster.shows("blue-2", "stopped");
    expect(await cluster.sightings("blue-2")).toEqual(["h2 shut off"]);
    await muster("vm", "start", "blue-2");
    await cluster.shows("blue-2", "running");
  });

  it("removes a VM with its volume", async () => {
    const { id } = (await vms()).find(({ name }) => name === "green-1") ?? { id: "" };
    const files = async (): Promise<string> =>
      (await cluster.lab.host("h1").exec(["ls", "/srv/shared/volumes"])).stdout;
    expect(await files()).toContain(id);
    const refused = await cluster.muster.muster(["vm", "rm", "green-1"]);
    expect(refused.exitCode, refused.stderr).toBe(4);
    await muster("vm", "rm", "green-1", "--force");
    expect(await cluster.sightings("green-1")).toEqual([]);
    expect(await files()).not.toContain(id);
  });

  it("remembers what was done and why", async () => {
    expect(await muster("op", "ls", "--subject", "vm/blue-1", "-o", "json")).toContain(
      "h1 gets new memory",
    );
    const events = await muster("events");
    expect(events).toContain("vm/blue-1");
    expect(events).toContain("h3");
  });
});
