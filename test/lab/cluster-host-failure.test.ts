/** Hosts that die and freeze, with real hypervisors: their VMs run elsewhere in time, and none ever twice. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cluster } from "./cluster.ts";
import { waitFor } from "./lab.ts";
import { LabBoards, LabWatchdog } from "./machine-room.ts";

const DIRECTORY = "/tmp/muster-hosts";
const BOARDS = `${DIRECTORY}.boards`;
const WATCHDOG_SECONDS = 6;

describe("a cluster whose hosts fail", () => {
  let cluster: Cluster;
  let boards: LabBoards;
  let watchdog: LabWatchdog;

  beforeAll(async () => {
    cluster = await Cluster.up({
      hosts: 3,
      directory: DIRECTORY,
      coordinatorOptions: {
        "fence-agents": BOARDS,
        "ha.lost-after": "18s",
        "ha.lease": "10s",
      },
    });
    boards = await LabBoards.in(BOARDS, cluster.lab.hosts);
    watchdog = await LabWatchdog.in(cluster.lab.host("h2"), WATCHDOG_SECONDS);
    await cluster.killAgent("h2");
    await cluster.muster.startAgent("h2", LabWatchdog.agentOptions);
    await cluster.muster.waitForHosts();
    await say("host", "fence", "set", "h1", "--agent", "fence_lab", "plug=h1");
  });
  afterAll(async () => {
    await watchdog[Symbol.asyncDispose]();
    await boards[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  async function say(...words: string[]): Promise<void> {
    const { exitCode, stderr, stdout } = await cluster.muster.muster(words);
    if (exitCode !== 0) throw new Error(`muster ${words.join(" ")}: ${stderr}${stdout}`);
  }

  async function create(name: string, host: string, policy: string): Promise<void> {
    await cluster.succeeded(await cluster.createVm({ name, host }));
    await say("ha", "set", name, policy);
  }

  async function hostState(name: string): Promise<string> {
    const hosts = await cluster.muster.json<
      readonly { readonly name: string; readonly state: string }[]
    >(["host", "ls"]);
    return hosts.find((host) => host.name === name)?.state ?? "gone";
  }

  /** Hosts on which libvirt says that the domain runs. A host that is off says nothing. */
  async function runners(name: string): Promise<readonly string[]> {
    const seen: string[] = [];
    for (const host of cluster.lab.hosts) {
      if (!(await host.isUp())) continue;
      const { stdout } = await host.exec(["virsh", "list", "--name"], { check: false });
      if (stdout.split("\n").includes(name)) seen.push(host.name);
    }
    return seen;
  }

  async function until(what: string, look: () => Promise<boolean>, seconds: number): Promise<void> {
    await waitFor(what, look, { timeoutMs: seconds * 1_000, everyMs: 200 });
  }

  it("notices a dead host, fences it, and runs its VMs elsewhere, once", async () => {
    await create("web", "h1", "restart=on-failure,priority=200");
    await create("plain", "h1", "none");
    const { stdout } = await cluster.muster.muster(["host", "fence", "test", "h1"]);
    expect(stdout).toMatch(/fence_lab +on/);
    await cluster.lab.host("h1").crash();
    const diedAtMs = performance.now();
    await until("h1 to be missed", async () => (await hostState("h1")) !== "online", 25);
    expect(performance.now() - diedAtMs).toBeLessThan(20_000);
    const runsAgain = async (): Promise<boolean> => (await runners("web")).length > 0;
    await until("web to run again", runsAgain, 90);
    const confirmedMs = boards.offAtMs.get("h1") ?? Number.POSITIVE_INFINITY;
    expect(performance.now() - confirmedMs).toBeLessThan(60_000);
    await cluster.shows("web", "running", 10_000);
    expect(await runners("plain")).toStrictEqual([]);
    await boards.switchOn(cluster.lab.host("h1"));
    await cluster.muster.makeStorages(cluster.lab.host("h1"));
    await cluster.muster.startAgent("h1");
    await cluster.muster.waitForHosts();
    const isClean = async (): Promise<boolean> =>
      !(await cluster.sightings("web")).some((seen) => seen.startsWith("h1"));
    await until("what is left of web on h1 to go", isClean, 40);
    expect(await runners("web")).toHaveLength(1);
  });

  it("never runs a VM of a frozen host twice, however short or long it is frozen", async () => {
    await create("guarded", "h2", "restart=on-failure");
    await until("the watchdog to be armed", async () => watchdog.isArmed, 20);
    const h2 = cluster.lab.host("h2");
    const all = (signal: string) => h2.exec(["sh", "-c", `kill -${signal} -1`], { check: false });
    await all("STOP");
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    await all("CONT");
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    expect([watchdog.firedAtMs, await runners("guarded")]).toStrictEqual([undefined, ["h2"]]);
    await all("STOP");
    const elsewhere = async (): Promise<boolean> => {
      const others = cluster.lab.hosts.filter(({ name }) => name !== "h2");
      const lists = await Promise.all(others.map((host) => host.exec(["virsh", "list", "--name"])));
      return lists.some(({ stdout }) => stdout.split("\n").includes("guarded"));
    };
    await until("guarded to run elsewhere", elsewhere, 90);
    const againMs = performance.now();
    expect(watchdog.firedAtMs).toBeLessThan(againMs);
    // Nothing is left of the host that could go on.
    expect(await h2.isUp()).toBe(false);
    expect(await runners("guarded")).toHaveLength(1);
  });
});
