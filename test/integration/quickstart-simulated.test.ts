/** The quickstart without root, run by somebody without root where the test itself has it. */
import { execFileSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { leftovers } from "../lab/leftovers.ts";
import { runQuickstart } from "../lab/quickstart-run.ts";

const RUN_TIMEOUT_MS = 180_000;
const NOBODY = { uid: 65_534, gid: 65_534 };

/** Undefined: whoever runs the test, because there is nobody with fewer rights who could read this checkout. */
function unprivileged(): typeof NOBODY | undefined {
  if (process.getuid?.() !== 0) return undefined;
  try {
    execFileSync(process.execPath, ["--version"], { ...NOBODY, cwd: import.meta.dirname });
    return NOBODY;
  } catch {
    return undefined;
  }
}

const user = unprivileged();
const scratch = mkdtempSync("/tmp/mq-");
if (user !== undefined) chownSync(scratch, user.uid, user.gid);
const directory = join(scratch, "q");
const run = (...words: readonly string[]) =>
  runQuickstart(["--simulated", "--directory", directory, ...words], user);

afterAll(async () => {
  await run("down");
  rmSync(scratch, { recursive: true });
});

describe("npm run quickstart -- --simulated", { timeout: RUN_TIMEOUT_MS }, () => {
  it("shows the main job on simulated hypervisors", async () => {
    const { exitCode, printed } = await run();
    expect(exitCode, printed).toBe(0);
    expect(printed).toContain("can only be shown on real");
    expect(printed).toMatch(/network green \(VLAN 20\) is ready on h1, h2, h3/);
    expect(printed).toMatch(/before, on h\d, console: +boot \w+, count \d+/);
    expect(printed).toMatch(/during \(operation \w+\), console: +boot \w+, count \d+/);
    expect(printed).toMatch(/after, on h\d, console: +boot \w+, count \d+/);
    expect(printed).toContain("the guest did not notice");
    expect(printed).toMatch(/STEP +STATE +HOST +TOOK[^]*move +done/);
  });

  it("leaves a cluster running that answers `muster`", () => {
    const muster = join(directory, "bin/muster");
    const said = execFileSync(muster, ["vm", "ls", "-o", "json"], { ...user });
    const vms = JSON.parse(said.toString()) as readonly { readonly state: string }[];
    expect(vms.map(({ state }) => state)).toEqual(["running", "running", "running"]);
  });

  it("starts afresh when it runs again, and says so", async () => {
    const { exitCode, printed } = await run();
    expect(exitCode, printed).toBe(0);
    expect(printed).toContain("Stop and remove the cluster of an earlier quickstart");
    const url = /Metrics of the cluster: (\S+)/.exec(printed)?.[1] ?? "";
    expect(await (await fetch(url)).text()).toContain('muster_vms{state="running"} 3');
  });

  it("down leaves nothing, and nothing to do for the next down", async () => {
    const { exitCode, printed } = await run("down");
    expect(exitCode, printed).toBe(0);
    expect(leftovers(directory, new Set())).toEqual([]);
    expect((await run("down")).printed).toContain("nothing to stop");
  });

  it("names the step that failed, why, and where the logs are", async () => {
    // No socket has so long a name.
    const long = join(scratch, "x".repeat(100));
    const words = ["--simulated", "--directory", long];
    const { exitCode, printed } = await runQuickstart(words, user);
    expect(exitCode).toBe(1);
    expect(printed).toMatch(/FAILED after .*: step 2\. Start the coordinator\n/);
    expect(printed).toContain("coordinator ended at once");
    expect(printed).toContain(`logs: ${long}/log`);
    expect(await runQuickstart(["down", ...words], user)).toMatchObject({ exitCode: 0 });
    expect(existsSync(long)).toBe(false);
  });

  it("touches no directory that is not its own", async () => {
    const letter = join(scratch, "letter");
    writeFileSync(letter, "mine");
    const { exitCode, printed } = await runQuickstart(["down", "--directory", scratch], user);
    expect(exitCode).toBe(1);
    expect(printed).toContain("stays as it is");
    expect(existsSync(letter)).toBe(true);
  });

  it("explains words it does not understand", async () => {
    const { exitCode, printed } = await runQuickstart(["dwon"], user);
    expect(exitCode).toBe(1);
    expect(printed).toMatch(/"dwon" is not understood\nnpm run quickstart/);
  });
});
