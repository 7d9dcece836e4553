/** The quickstart on real libvirt, QEMU and Open vSwitch: what it shows, what it leaves running, what it leaves behind. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { leftovers, namespacesOf } from "./leftovers.ts";
import { Lab } from "./lab.ts";
import { runQuickstart } from "./quickstart-run.ts";

const directory = "/tmp/mq-test";
const here = ["--directory", directory];

describe("npm run quickstart", () => {
  afterAll(async () => {
    await Lab.down({ directory });
  });

  it("shows the main job on real hypervisors", async () => {
    const { exitCode, printed } = await runQuickstart(here);
    expect(exitCode, printed).toBe(0);
    expect(printed).toMatch(/network blue \(VLAN 10\) is ready on h1, h2, h3/);
    expect(printed).toMatch(/network green \(VLAN 20\) is ready on h1, h2, h3/);
    const blueHosts = /blue-1 +running +(h\d)[^]*?blue-2 +running +(h\d)/.exec(printed);
    expect(blueHosts?.[1]).not.toBe(blueHosts?.[2]);
    expect(printed).toMatch(/blue-1 .*→ blue-2 \(blue\) +ping answered, TCP answered/);
    expect(printed).toMatch(/blue-1 .*→ green-1 \(green\) +ping not answered, TCP not answered/);
    expect(printed).toMatch(/during, read by blue-2 over the network:\n +LAB name=blue-1 boot=/);
    expect(printed).toMatch(/the guest did not notice: same boot, \d+ counted since/);
    expect(printed).toMatch(/STEP +STATE +HOST +TOOK[^]*move +done/);
    expect(printed).not.toContain("FAILED");
  });

  it("leaves a cluster running that answers `muster` and serves metrics", async () => {
    const said = execFileSync(join(directory, "bin/muster"), ["vm", "ls", "-o", "json"]);
    const vms = JSON.parse(said.toString()) as readonly { readonly state: string }[];
    expect(vms.map(({ state }) => state)).toEqual(["running", "running", "running"]);
  });

  it("starts afresh when it runs again, and says so", async () => {
    const { exitCode, printed } = await runQuickstart(here);
    expect(exitCode, printed).toBe(0);
    expect(printed).toContain("Stop and remove the cluster of an earlier quickstart");
    const url = /Metrics of the cluster: (\S+)/.exec(printed)?.[1] ?? "";
    const metrics = await (await fetch(url)).text();
    expect(metrics).toContain('muster_vms{state="running"} 3');
  });

  it("down leaves nothing, and nothing to do for the next down", async () => {
    const namespaces = namespacesOf(directory);
    const { exitCode, printed } = await runQuickstart(["down", ...here]);
    expect(exitCode, printed).toBe(0);
    expect(leftovers(directory, namespaces)).toEqual([]);
    expect(await runQuickstart(["down", ...here])).toMatchObject({ exitCode: 0 });
  });

  it("names the step that failed, and why", async () => {
    const foreign = await mkdtemp("/tmp/muster-foreign-");
    await writeFile(join(foreign, "letter"), "mine");
    const { exitCode, printed } = await runQuickstart(["--directory", foreign]);
    expect(exitCode).toBe(1);
    expect(printed).toMatch(
      /FAILED after .*: step 2\. Stop and remove .*\n.*is not a quickstart's/,
    );
    expect(await readdir(foreign)).toEqual(["letter"]);
    await rm(foreign, { recursive: true });
    expect(existsSync(directory)).toBe(false);
  });
});
