/** The live cluster asked over the real API, and a drain carried out. */
import { AdminService, OperationState } from "@muster/proto/admin";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { muster } from "../../packages/cli/src/testing/in-process.ts";
import { aVmSpec, RealCluster } from "./real-cluster.ts";

const TEST_MS = 40_000;
const GIB = 1024n ** 3n;

describe("a cluster of three hosts", { timeout: TEST_MS }, () => {
  let cluster: RealCluster;
  beforeAll(async () => {
    cluster = await RealCluster.start({ hosts: 3 });
    for (const name of ["web-1", "web-2", "web-3"]) await cluster.createVm(aVmSpec(name), "h1");
  }, TEST_MS);
  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
  });

  const run = (...argv: readonly string[]) =>
    muster([...argv, "--coordinator", `unix://${cluster.socketPath}`]);

  it("says where a drain would go, and what would be if the host were lost", async () => {
    const drain = await run("plan", "drain", "h1");
    expect(drain.stderr).toBe("");
    // Equal VMs go in the order of their ids, which are random.
    expect(drain.stdout).toMatch(/^WAVE +VM +FROM +TO .*\n +1 +web-[123] +h1 +h[23] /);
    expect(drain.stdout).toContain("3 moves in 2 waves, 3 GiB of memory");
    const lost = await run("plan", "what-if", "--lose", "h1", "--cpus", "1", "--memory", "1G");
    expect(lost.stdout).toContain("3 of 3 VMs would start elsewhere");
    expect(lost.stdout).toMatch(/VMs of 1 CPU and 1 GiB that fit: \d+ now, \d+ then/);
  });

  it("says what would make a VM fit that is too large", async () => {
    const spec = aVmSpec("huge", { memoryBytes: 4096n * GIB });
    const refused = cluster.client.unary(AdminService.createVm, {
      spec,
      stopped: false,
      rules: undefined,
      claim: "",
      host: "",
      why: undefined,
    });
    await expect(refused).rejects.toMatchObject({
      code: "no-placement",
      reasons: expect.arrayContaining([
        expect.stringMatching(/of memory it would fit now$/),
      ]) as string[],
    });
    const whyNot = await run("explain", "vm", "--memory", "4096G", "--host", "h2");
    expect(whyNot.stdout).toMatch(/^h2: not enough memory: wants 4 TiB/);
  });

  it("drains a host, and opens it again", async () => {
    const planned = await run("host", "drain", "h1", "--dry-run");
    expect(planned.stdout).toContain("would cordon host h1, then:");
    expect(planned.stdout).toContain("nothing was changed (dry run)");
    const drained = await run("host", "drain", "h1", "--reason", "new memory");
    expect(drained.stderr).not.toContain("muster:");
    expect(drained.stdout).toMatch(/^no VM runs on host h1 \(op-\d+/);
    const { vms } = await cluster.client.unary(AdminService.getHost, { host: "h1" });
    expect(vms).toEqual([]);
    const { operations } = await cluster.client.unary(AdminService.listOperations, {
      active: false,
      subject: "",
      limit: 0,
    });
    const moves = operations.filter(({ type }) => type === "vm-migrate");
    expect(moves.map(({ state }) => state)).toEqual(moves.map(() => OperationState.SUCCEEDED));
    expect(moves).toHaveLength(3);
    const hashes = operations.filter(({ type }) => type !== "network-create");
    for (const { explanation } of hashes) {
      expect(explanation.at(-1)).toMatch(/^decided on snapshot [0-9a-f]{16}$/);
    }
    const opened = await run("host", "undrain", "h1");
    expect(opened.stdout).toBe("host h1 is open for VMs\n");
  });
});
