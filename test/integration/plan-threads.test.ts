/** The planner's threads, from source and from the bundle: they answer, and the coordinator goes on meanwhile. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { parseSnapshot, renderSnapshot, type Snapshot } from "@muster/planner";
import { AdminService, type AskPlanRequest } from "@muster/proto/admin";
import { connect, type RpcClient } from "@muster/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildPrograms } from "../../scripts/build.ts";

const GIB = 1024n ** 3n;
const scratch = mkdtempSync(join(tmpdir(), "muster-plan-"));
const fromSource = join(import.meta.dirname, "../../packages/coordinator/src/main.ts");

/** Uneven, so that there is something to rebalance. */
const cluster: Snapshot = {
  version: 1,
  hosts: Array.from({ length: 200 }, (_, index) => ({
    id: `h${String(index)}`,
    name: `h${String(index)}`,
    state: "online",
    cordoned: false,
    capacity: { cpus: 32, cpuOvercommit: 4, memoryBytes: 256n * GIB },
  })),
  vms: Array.from({ length: 4_000 }, (_, index) => ({
    id: `v${String(index)}`,
    name: `v${String(index)}`,
    state: "running",
    cpus: 1 + (index % 3),
    memoryBytes: BigInt(1 + (index % 5)) * GIB,
    hostId: `h${String((index * index) % 200)}`,
  })),
  claims: [],
};
const snapshotGzip = gzipSync(renderSnapshot(cluster));

const asking = (
  question: AskPlanRequest["question"],
  fields: Partial<AskPlanRequest> = {},
): AskPlanRequest => ({
  snapshotGzip,
  withinMs: 2_000,
  question,
  keep: false,
  placeRules: undefined,
  ...fields,
});

const rebalance = { $case: "rebalance", value: { movesMax: 0, seed: 0 } } as const;

beforeAll(async () => {
  await buildPrograms(["coordinator"], scratch);
}, 120_000);

afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

describe.each([
  ["source", fromSource],
  ["bundle", join(scratch, "muster-coordinator.mjs")],
])("from the %s", (name, program) => {
  const directory = join(scratch, name);
  let child: ChildProcess;
  let client: RpcClient;

  beforeAll(async () => {
    const socket = join(directory, "s");
    const options = {
      "data-directory": join(directory, "data"),
      socket,
      "listen.host": "127.0.0.1",
      "listen.port": "0",
      "metrics.port": "0",
    };
    const flags = Object.entries(options).flatMap(([key, value]) => [`--${key}`, value]);
    child = spawn(process.execPath, [program, "run", ...flags], { stdio: ["ignore", "pipe", 2] });
    for await (const line of child.stdout ?? []) {
      if (String(line).includes("coordinator ready")) break;
    }
    client = await connect({ addresses: [`unix://${socket}`], timeoutMs: 10_000 });
  }, 60_000);

  afterAll(async () => {
    client.close();
    const gone = once(child, "exit");
    child.kill("SIGTERM");
    await gone;
  });

  it("GetCluster answers while a rebalance runs", { timeout: 60_000 }, async () => {
    const timeoutMs = 40_000;
    let done = false;
    const answer = client
      .unary(AdminService.askPlan, asking(rebalance), { timeoutMs })
      .finally(() => {
        done = true;
      });
    let answered = 0;
    while (!done) {
      await client.unary(AdminService.getCluster, {}, { timeoutMs: 5_000 });
      answered += 1;
    }
    const { sections, json, snapshotHash } = await answer;
    expect(answered).toBeGreaterThan(5);
    expect(sections[0]?.moves.length).toBeGreaterThan(10);
    expect(snapshotHash).toMatch(/^[0-9a-f]{16}$/);
    const { scoreBefore, scoreAfter } = JSON.parse(json) as Record<string, number>;
    expect(scoreAfter).toBeLessThan(scoreBefore ?? 0);
  });

  it("the live cluster can be asked, and saved and asked again", { timeout: 60_000 }, async () => {
    const value = { shapes: [{ cpus: 1, memoryBytes: GIB }], survive: 0 };
    const question = { $case: "capacity", value } as const;
    const taken = await client.unary(AdminService.takeSnapshot, {});
    expect(parseSnapshot(gunzipSync(taken.snapshotGzip).toString()).hosts).toEqual([]);
    const live = await client.unary(
      AdminService.askPlan,
      asking(question, { snapshotGzip: Buffer.alloc(0) }),
    );
    const again = await client.unary(
      AdminService.askPlan,
      asking(question, { snapshotGzip: taken.snapshotGzip }),
    );
    expect(again).toEqual(live);
    expect(live.snapshotHash).toBe(taken.hash);
  });

  it("refuses what it cannot answer, and goes on", { timeout: 60_000 }, async () => {
    const nowhere = { $case: "drain" as const, value: { hosts: ["h999"] } };
    const refused = client.unary(AdminService.askPlan, asking(nowhere));
    await expect(refused).rejects.toMatchObject({ code: "invalid" });
    const unasked = client.unary(AdminService.askPlan, asking(undefined));
    await expect(unasked).rejects.toMatchObject({ code: "invalid" });
  });
});
