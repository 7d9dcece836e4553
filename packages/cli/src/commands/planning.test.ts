/** Goal: plans, rules, claims and the policy ask for the right things and show what came. Method: a scripted coordinator. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  PlanChange,
  RuleMode,
  type ChangePlanRequest,
  type CreateClaimsRequest,
  type CreateRuleRequest,
  type KeptPlan,
  type ReturnHostRequest,
  type RunPlanRequest,
  type SetHostTraitsRequest,
  type SetPolicyRequest,
  type SetVmRulesRequest,
} from "@muster/proto/admin";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aHost, anOperation, aVm } from "../testing/builders.ts";
import { muster } from "../testing/in-process.ts";
import { answering, ScriptedCoordinator, type Script } from "../testing/scripted-coordinator.ts";

let directory = "";

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muster-cli-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function against(script: Script, ...argv: readonly string[]) {
  await using coordinator = await ScriptedCoordinator.listen(join(directory, "s"), script);
  return await muster([...argv, "--coordinator", coordinator.address]);
}

const aPlan = (fields: Partial<KeptPlan> = {}): KeptPlan => ({
  id: "plan-0007",
  kind: "rebalance",
  state: "proposed",
  about: "",
  section: {
    title: "",
    lines: [],
    moves: [
      {
        step: 1,
        wave: 1,
        vm: "web-1",
        fromHost: "h1",
        toHost: "h2",
        hop: false,
        memoryBytes: 1024n ** 3n,
        volumeBytes: 0n,
        durationMs: 2_000n,
        downtimeMs: 120,
        diverges: false,
      },
    ],
    durationMs: 2_000n,
    stuck: [],
    counts: [],
    restart: false,
  },
  snapshotHash: "00e9ed4fe61ec08c",
  scoreBefore: 0.5,
  scoreAfter: 0.25,
  createdAt: "2026-01-01T00:00:00Z",
  createdBy: "ann",
  expiresAt: "2026-01-01T01:00:00Z",
  approvedBy: "",
  operationId: "",
  endedAt: "",
  outcome: [],
  replans: 0,
  ...fields,
});

describe("kept plans", () => {
  it("are listed and shown with their moves, cost and promise", async () => {
    const script = {
      listPlans: answering(() => ({ plans: [aPlan()] })),
      getPlan: answering(() => ({ plan: aPlan(), lines: ["web-1: it is gone"] })),
    };
    const listed = await against(script, "plan", "ls", "--open");
    expect(listed.stdout).toMatch(/plan-0007 +rebalance +proposed .* 1 +0\.5000 -> 0\.2500 +ann/);
    const shown = await against(script, "plan", "show", "7", "--check");
    expect(shown.stdout).toMatch(/web-1 +h1 +h2 +1 GiB .*120 ms/);
    expect(shown.stdout).toContain("now: web-1: it is gone\n");
    const explained = await against(script, "explain", "plan", "7", "-o", "json");
    expect(JSON.parse(explained.stdout)).toMatchObject({
      id: "plan-0007",
      now: ["web-1: it is gone"],
      scoreAfter: 0.25,
    });
  });

  it("are approved, cancelled and run by id or number", async () => {
    const asked: (ChangePlanRequest | RunPlanRequest)[] = [];
    const script = {
      changePlan: answering((request: ChangePlanRequest) => {
        asked.push(request);
        const isApproval = request.change === PlanChange.APPROVE;
        return { plan: aPlan({ state: isApproval ? "approved" : "cancelled" }) };
      }),
      runPlan: answering((request: RunPlanRequest) => {
        asked.push(request);
        return { operation: anOperation(), plan: aPlan(), lines: ["score now 0.4000"] };
      }),
    };
    expect((await against(script, "plan", "approve", "7")).stdout).toBe("plan-0007 is approved\n");
    expect((await against(script, "plan", "cancel", "plan-0007")).stdout).toBe(
      "plan-0007 is cancelled\n",
    );
    const dry = await against(script, "plan", "run", "7", "--replan", "--dry-run");
    expect(dry.stdout).toMatch(/would run plan-0007:[\s\S]*now: score now 0\.4000/);
    expect((await against(script, "plan", "run", "7", "--detach")).exitCode).toBe(0);
    expect(asked).toMatchObject([
      { plan: "7", change: PlanChange.APPROVE },
      { plan: "plan-0007", change: PlanChange.CANCEL },
      { plan: "7", replan: true, why: { dryRun: true } },
      { plan: "7", replan: false },
    ]);
    expect((await against(script, "plan", "run", "op-7")).exitCode).toBe(2);
  });
});

describe("coming home", () => {
  it("asks for the return, and says when nobody has to come", async () => {
    const asked: ReturnHostRequest[] = [];
    const script = {
      returnHost: answering((request: ReturnHostRequest) => {
        asked.push(request);
        return { operation: undefined, plan: aPlan().section, planId: "" };
      }),
    };
    const { stdout } = await against(script, "host", "return", "h1", "--uncordon");
    expect(stdout).toContain("no VM has to come back");
    expect(asked).toMatchObject([{ host: "h1", uncordon: true, copyStorage: false }]);
  });
});

describe("rules, traits, claims and the policy", () => {
  it("a VM's rules change only where flags say so, and none takes away", async () => {
    const asked: SetVmRulesRequest[] = [];
    const script = {
      setVmRules: answering((request: SetVmRulesRequest) => {
        asked.push(request);
        return { vm: aVm(), broken: ["web-1 on h1: pinned to h2"] };
      }),
    };
    const flags = ["--group", "db", "--leave-group", "web", "--pin", "none", "--home", "h2"];
    const { stdout } = await against(script, "vm", "set", "web-1", ...flags);
    expect(stdout).toContain("not so now: web-1 on h1: pinned to h2");
    expect(asked[0]?.change).toMatchObject({
      addGroups: ["db"],
      removeGroups: ["web"],
      pinnedTo: { names: [] },
      home: "h2",
    });
    expect(asked[0]?.change?.environment).toBeUndefined();
    expect((await against(script, "vm", "set", "web-1")).exitCode).toBe(2);
    expect((await against(script, "vm", "set", "web-1", "--group", "a b")).exitCode).toBe(2);
  });

  it("a host's traits are parsed before anybody is asked", async () => {
    const asked: SetHostTraitsRequest[] = [];
    const script = {
      setHostTraits: answering((request: SetHostTraitsRequest) => {
        asked.push(request);
        return { host: aHost(), broken: [] };
      }),
    };
    const flags = ["--failure-domain", "paris/rack-7", "--label", "ssd=yes", "--label", "gpu="];
    await against(script, "host", "set", "h1", ...flags, "--reserved-memory", "4G");
    expect(asked).toMatchObject([
      {
        failureDomain: { names: ["paris", "rack-7"] },
        labels: [
          { name: "ssd", value: "yes" },
          { name: "gpu", value: "" },
        ],
        memoryReservedBytes: 4n * 1024n ** 3n,
        cpuOvercommit: undefined,
      },
    ]);
    expect((await against(script, "host", "set", "h1", "--label", "ssd")).exitCode).toBe(2);
    expect((await against(script, "host", "set", "h1", "--cpu-overcommit", "65")).exitCode).toBe(2);
  });

  it("a rule says apart or together", async () => {
    const asked: CreateRuleRequest[] = [];
    const script = {
      createRule: answering((request: CreateRuleRequest) => {
        asked.push(request);
        const rule = request.rule === undefined ? undefined : { ...request.rule, max: 1 };
        return { rule: { rule, members: ["db-1"], broken: [], createdAt: "" } };
      }),
    };
    const create = ["rule", "create", "db-apart", "--group", "db"];
    const { stdout } = await against(script, ...create, "--spread", "--level", "rack");
    expect(stdout).toBe("rule db-apart: at most 1 of db in one rack\n");
    expect(asked[0]?.rule).toMatchObject({ mode: RuleMode.SPREAD, level: "rack", max: 0 });
    expect((await against(script, ...create)).exitCode).toBe(2);
    expect((await against(script, ...create, "--spread", "--pack")).exitCode).toBe(2);
  });

  it("claims are asked for with their number and time", async () => {
    const asked: CreateClaimsRequest[] = [];
    const script = {
      createClaims: answering((request: CreateClaimsRequest) => {
        asked.push(request);
        return { claims: [] };
      }),
    };
    const size = ["--cpus", "2", "--memory", "4G", "--count", "3", "--for", "2h"];
    expect((await against(script, "claim", "create", "web", ...size)).exitCode).toBe(0);
    expect(asked).toMatchObject([{ name: "web", cpus: 2, count: 3, holdSeconds: 7_200 }]);
  });

  it("the policy is changed where flags say so", async () => {
    const asked: SetPolicyRequest[] = [];
    const script = {
      setPolicy: answering((request: SetPolicyRequest) => {
        asked.push(request);
        return {
          policy: {
            surviveLevel: "rack",
            surviveCount: 1,
            topologyLevels: ["site", "rack"],
            environments: [],
            rebalance: undefined,
          },
        };
      }),
    };
    const flags = ["--survive", "rack=1", "--rebalance", "shadow", "--allow", "PRD=PRD,DEV"];
    const { stdout } = await against(script, "policy", "set", ...flags, "--min-gain", "0.2");
    expect(stdout).toContain("any 1 of level rack may be lost at once");
    expect(asked).toMatchObject([
      {
        surviveLevel: "rack",
        surviveCount: 1,
        automation: "shadow",
        gainMin: 0.2,
        environments: [{ host: "PRD", vms: ["PRD", "DEV"] }],
        periodMs: undefined,
      },
    ]);
    expect((await against(script, "policy", "set", "--rebalance", "wild")).exitCode).toBe(2);
  });
});
