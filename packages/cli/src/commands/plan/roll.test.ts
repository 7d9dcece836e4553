/** Goal: groups are drained, handed over and filled again in turn, and stopping says how to go on. Method: a scripted coordinator. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OperationState } from "@muster/proto/admin";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aHost, anOperation, aSucceededOperation } from "../../testing/builders.ts";
import { muster } from "../../testing/in-process.ts";
import { answering, ScriptedCoordinator, streaming } from "../../testing/scripted-coordinator.ts";

let directory = "";
const calls: string[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muster-roll-"));
  calls.length = 0;
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const noPlan = {
  title: "",
  lines: [],
  moves: [],
  stuck: [],
  counts: [],
  restart: false,
  durationMs: 0n,
};

interface Ways {
  readonly canEmpty?: (host: string) => boolean;
  readonly drainState?: OperationState;
}

async function rolling({ canEmpty = () => true, drainState }: Ways, ...argv: readonly string[]) {
  const hosts = ["h1", "h2"].map((name) => aHost({ id: `id-${name}`, name }));
  await using coordinator = await ScriptedCoordinator.listen(join(directory, "s"), {
    listHosts: answering(() => ({ hosts })),
    askPlan: answering((request) => {
      const asked = request.question?.$case === "rolling" ? request.question.value.hosts : [];
      calls.push(`ask ${asked.join(" ")}`);
      const first = asked.filter(canEmpty).slice(0, 1);
      const groups = first.map((name) => ({ hostIds: [`id-${name}`] }));
      const stuck = [{ vm: "web-1", host: "h2", reasons: ["no host can take it"] }];
      return {
        snapshotHash: "ab",
        sections: [{ ...noPlan, title: "h2 cannot be emptied", stuck }],
        json: JSON.stringify({ groups }),
        outOfTime: false,
        keptPlans: [],
      };
    }),
    drainHost: answering((request) => {
      calls.push(`drain ${request.host}`);
      return { operation: anOperation({ id: "op-000001" }), plan: noPlan, snapshotHash: "ab" };
    }),
    returnHost: answering((request) => {
      calls.push(`return ${request.host} ${request.uncordon ? "uncordoned" : ""}`);
      return { operation: undefined, plan: noPlan, planId: "" };
    }),
    watchOperation: streaming([
      {
        operation:
          drainState === undefined
            ? aSucceededOperation({ id: "op-000001" })
            : anOperation({ id: "op-000001", state: drainState }),
      },
    ]),
  });
  const flags = ["plan", "rolling", "--run", ...argv, "--coordinator", coordinator.address];
  return await muster(flags, { environment: { PATH: process.env["PATH"] ?? "" } });
}

describe("plan rolling --run", () => {
  it("takes one group after the other, and the command runs between drain and return", async () => {
    const log = join(directory, "log");
    const { exitCode, stdout } = await rolling({}, "--exec", `echo $MUSTER_HOST >> ${log}`);
    expect(exitCode).toBe(0);
    expect(calls).toEqual([
      "ask h1 h2",
      "drain h1",
      "return h1 uncordoned",
      "ask h2",
      "drain h2",
      "return h2 uncordoned",
    ]);
    expect(await readFile(log, "utf8")).toBe("h1\nh2\n");
    expect(stdout).toContain("all hosts were worked on");
  });

  it("stops at a command that fails, leaves the host empty, and says how to go on", async () => {
    const { exitCode, stderr } = await rolling({}, "--exec", "echo broken; exit 3");
    expect(exitCode).toBe(4);
    expect(calls).toEqual(["ask h1 h2", "drain h1"]);
    expect(stderr).toContain("broken\n");
    expect(stderr).toContain("the command for host h1 ended with 3");
    expect(stderr).toContain(
      "To go on: muster host return h1 --uncordon; muster plan rolling h2 --run",
    );
  });

  it("stops at a drain that fails, with its exit code", async () => {
    const failing = { drainState: OperationState.FAILED };
    const { exitCode, stderr } = await rolling(failing, "--exec", "true");
    expect(exitCode).toBe(6);
    expect(calls).toEqual(["ask h1 h2", "drain h1"]);
    expect(stderr).toContain("not done: h1, h2");
  });

  it("names what keeps the rest from being emptied", async () => {
    const ways = { canEmpty: (host: string) => host === "h1" };
    const { exitCode, stderr, stdout } = await rolling(ways, "--exec", "true", "-o", "json");
    expect(exitCode).toBe(5);
    expect(JSON.parse(stdout)).toEqual({ done: ["h1"], away: [], left: ["h2"] });
    expect(stderr).toContain("none of h2 can be emptied now");
    expect(stderr).toContain("no host can take it");
  });

  it("asks nobody where there is no terminal", async () => {
    const { exitCode, stderr } = await rolling({});
    expect({ exitCode, calls }).toEqual({ exitCode: 2, calls: [] });
    expect(stderr).toContain("give --exec COMMAND");
  });
});
