/** Goal: flags become the right question, and answers the right output. Method: a scripted coordinator. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import type { AskPlanRequest } from "@muster/proto/admin";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { muster } from "../../testing/in-process.ts";
import { answering, ScriptedCoordinator } from "../../testing/scripted-coordinator.ts";

let directory = "";
const asked: AskPlanRequest[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muster-cli-"));
  asked.length = 0;
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function plan(...argv: readonly string[]) {
  await using coordinator = await ScriptedCoordinator.listen(join(directory, "s"), {
    takeSnapshot: answering(() => ({ snapshotGzip: gzipSync('{"format":1}\n'), hash: "ab" })),
    askPlan: answering((request: AskPlanRequest) => {
      asked.push(request);
      return {
        snapshotHash: "ab",
        sections: [],
        json: '{"moves":[]}',
        outOfTime: false,
        keptPlans: [],
      };
    }),
  });
  return await muster(["plan", ...argv, "--coordinator", coordinator.address]);
}

describe("questions", () => {
  it.each([
    [["drain", "h1", "h2"], { $case: "drain", value: { hosts: ["h1", "h2"] } }],
    [["recover", "h1"], { $case: "recover", value: { hosts: ["h1"] } }],
    [["return-home"], { $case: "returnHome", value: { hosts: [] } }],
    [["rebalance", "--max-moves", "3"], { $case: "rebalance", value: { movesMax: 3, seed: 0 } }],
    [["consolidate"], { $case: "consolidate", value: { movesMax: 0 } }],
    [
      ["rolling", "h1", "--group-max", "2"],
      { $case: "rolling", value: { hosts: ["h1"], groupMax: 2 } },
    ],
    [
      ["capacity", "--cpus", "2", "--memory", "1G", "--survive", "1"],
      { $case: "capacity", value: { shapes: [{ cpus: 2, memoryBytes: 1n << 30n }], survive: 1 } },
    ],
    [
      ["what-if", "--lose", "h1", "--lose", "h2"],
      {
        $case: "whatIf",
        value: { lose: ["h1", "h2"], addHosts: 0, like: "", resize: [], shape: undefined },
      },
    ],
    [
      [
        ...["what-if", "--set-rule", "apart,group=db,spread,level=rack,max=2"],
        ...["--remove-rule", "old", "--lose-domain", "rack=r7"],
        ...["--resize-host", "h1,memory=1G", "--survive", "rack=1"],
      ],
      {
        $case: "whatIf",
        value: {
          setRules: [{ name: "apart", group: "db", mode: 1, level: "rack", max: 2 }],
          removeRules: ["old"],
          loseDomains: ["rack=r7"],
          resizeHosts: [{ host: "h1", cpus: 0, memoryBytes: 1n << 30n }],
          survive: { level: "rack", count: 1 },
        },
      },
    ],
  ])("%j", async (argv, question) => {
    const { exitCode, stderr } = await plan(...argv);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(asked).toMatchObject([{ question, withinMs: 5_000 }]);
  });

  it("of a place carry a whole spec", async () => {
    await plan("place", "--cpus", "2", "--memory", "1G");
    expect(asked[0]?.question).toMatchObject({ $case: "place", value: { name: "vm", cpus: 2 } });
  });

  it("carry a saved snapshot, compressed, and the time to think", async () => {
    const path = join(directory, "f.json");
    await writeFile(path, "a snapshot");
    await plan("rebalance", "--snapshot", path, "--within", "20s");
    expect(gunzipSync(asked[0]?.snapshotGzip ?? "").toString()).toBe("a snapshot");
    expect(asked[0]?.withinMs).toBe(20_000);
  });

  it("about a file that is not there or too large are refused without asking", async () => {
    expect(await plan("rebalance", "--snapshot", join(directory, "no"))).toMatchObject({
      exitCode: 2,
    });
    const path = join(directory, "big.json");
    await writeFile(path, Buffer.alloc(17 * 1024 * 1024));
    const { exitCode, stderr } = await plan("rebalance", "--snapshot", path);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("17 MiB, at most 16 MiB can be asked about");
    expect(asked).toEqual([]);
  });
});

describe("answers", () => {
  it("are the planner's own for tools", async () => {
    expect((await plan("rebalance", "-o", "json")).stdout).toBe('{\n  "moves": []\n}\n');
  });

  it("name their snapshot for people", async () => {
    expect((await plan("rebalance")).stdout).toBe("from snapshot ab\n");
  });

  it("a snapshot comes out as it is", async () => {
    expect((await plan("snapshot")).stdout).toBe('{"format":1}\n');
  });
});
