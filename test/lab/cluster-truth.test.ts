/** What happens behind our back is shown within a second, and what is not ours is never touched. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isMusterError } from "@muster/model";
import { Cluster } from "./cluster.ts";
import { guestXml } from "./lab.ts";

const SECOND_MS = 1_000;

describe("what a cluster shows", () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.up({
      hosts: 3,
      directory: "/tmp/muster-truth",
      // Two processors each: five CPUs a host, fifteen in all.
      coordinatorOptions: { "capacity.cpu-overcommit": "2.5" },
    });
    await cluster.succeeded(await cluster.createVm({ name: "steady", host: "h1" }));
    await cluster.shows("steady", "running");
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  const virsh = (host: string, ...words: readonly string[]): Promise<string> =>
    cluster.lab.virsh(host, words);

  it.each([
    ["suspend", "paused"],
    ["resume", "running"],
    ["destroy", "stopped"],
    ["start", "running"],
  ])("virsh %s: %s within a second", async (word, state) => {
    await virsh("h1", word, "steady");
    await cluster.shows("steady", state, SECOND_MS);
    expect(await cluster.listed("steady")).toBe(`${state} on h1`);
  });

  it("follows a VM that was migrated by hand", async () => {
    await virsh("h2", "pool-refresh", "shared");
    await virsh(
      ...(["h1", "migrate", "--live", "--p2p", "--persistent", "--undefinesource"] as const),
      ...(["steady", "qemu+tcp://h2/system"] as const),
    );
    const { lab } = cluster;
    await cluster.muster.eventually(
      10_000,
      async () => (await cluster.listed("steady")) === "running on h2",
      "the VM on h2",
    );
    expect(await cluster.sightings("steady")).toEqual(["h2 running"]);
    expect((await lab.virsh("h1", ["list", "--all", "--name"])).trim()).toBe("");
  });

  it("shows a wild VM within a second, and refuses to touch it", async () => {
    const file = join(cluster.lab.directory, "shared/wild.xml");
    await writeFile(file, guestXml({ name: "wild-1", kernelBoot: false }));
    await virsh("h3", "create", file);
    await cluster.shows("wild-1", "running", SECOND_MS);
    const wild = await cluster.vmIfAny("wild-1");
    expect([wild?.managed, wild?.host]).toEqual([false, "h3"]);
    for (const words of [["stop"], ["rm", "--force"], ["pause"], ["reboot"], ["migrate"]]) {
      const { exitCode, stderr } = await cluster.muster.muster([
        "vm",
        ...words.slice(0, 1),
        "wild-1",
        ...words.slice(1),
      ]);
      expect(exitCode, stderr).toBeGreaterThan(1);
      expect(stderr).toContain("wild-1");
    }
    expect(await virsh("h3", "domstate", "wild-1")).toBe("running");
    await virsh("h3", "destroy", "wild-1");
    await cluster.shows("wild-1", "absent", SECOND_MS);
  });

  it("knows everything within 5 s after a restart of the coordinator", async () => {
    await cluster.killCoordinator();
    await virsh("h2", "suspend", "steady");
    const startedMs = performance.now();
    await cluster.muster.startCoordinator();
    await cluster.shows("steady", "paused", 5 * SECOND_MS);
    await cluster.muster.waitForHosts(5 * SECOND_MS);
    expect(performance.now() - startedMs).toBeLessThan(5 * SECOND_MS);
    await virsh("h2", "resume", "steady");
    await cluster.shows("steady", "running", SECOND_MS);
  });

  it("shows a host that lost power, and its VM when it is back", async () => {
    await cluster.lab.host("h2").crash();
    await cluster.shows("steady", "unknown", 30 * SECOND_MS);
    await cluster.lab.host("h2").boot();
    await cluster.muster.startAgent("h2");
    await cluster.shows("steady", "stopped", 20 * SECOND_MS);
    const started = await cluster.muster.muster(["vm", "start", "steady"]);
    expect(started.exitCode, started.stderr).toBe(0);
    expect(await cluster.sightings("steady")).toEqual(["h2 running"]);
  });

  it("says that a VM is missing when somebody undefined it", async () => {
    await virsh("h2", "destroy", "steady");
    await virsh("h2", "undefine", "steady");
    await cluster.shows("steady", "missing", SECOND_MS);
    const { exitCode, stderr } = await cluster.muster.muster(["vm", "rm", "steady", "--force"]);
    expect(exitCode, stderr).toBe(0);
    expect(await cluster.stateOf("steady")).toBe("absent");
  });

  it("places 15 of 20 VMs that are asked for at once", async () => {
    const asked = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) =>
        cluster.createVm({ name: `many-${String(index)}`, stopped: true }),
      ),
    );
    const accepted = asked.filter((each) => each.status === "fulfilled");
    const refused = asked.filter((each) => each.status === "rejected");
    expect([accepted.length, refused.length]).toEqual([15, 5]);
    for (const { reason } of refused) {
      expect(reason).toMatchObject({ code: "no-placement" });
      const said = isMusterError(reason) ? reason.reasons.join("\n") : "";
      for (const host of ["h1", "h2", "h3"]) expect(said).toContain(host);
    }
    await Promise.all(accepted.map(({ value }) => cluster.succeeded(value)));
    const one = await cluster.muster.muster(["vm", "create", "one-more", "--memory", "128M"]);
    expect([one.exitCode, one.stderr]).toEqual([5, expect.stringContaining("h1")]);
    for (const host of cluster.lab.hosts) {
      const domains = await virsh(host.name, "list", "--all", "--name");
      expect(domains.split("\n").filter((name) => name !== "")).toHaveLength(5);
    }
  });
});
