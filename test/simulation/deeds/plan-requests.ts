/** What people ask for about plans, rules, claims and homes. */
import { isPlanOver } from "@muster/model";
import { PlanChange, RuleMode, type AskPlanRequest, type VmRulesChange } from "@muster/proto/admin";
import { anyHost, anyVm, pick, type Deed, type Scene } from "./deed.ts";

const MIB = 1024n ** 2n;
const MINUTE_MS = 60_000;
const why = undefined;

const request = (name: string, weight: number, ask: (scene: Scene) => void): Deed => ({
  name,
  weight,
  isFault: false,
  begin: (scene) => {
    if (scene.cluster.isCoordinatorUp) ask(scene);
    return undefined;
  },
});

function askPlan(scene: Scene): void {
  const { api } = scene.cluster;
  const host = anyHost(scene);
  const question = pick<NonNullable<AskPlanRequest["question"]>>(scene, [
    { $case: "rebalance", value: { movesMax: 4, seed: 0 } },
    { $case: "rebalance", value: { movesMax: 0, seed: 0 } },
    { $case: "drain", value: { hosts: [host] } },
    { $case: "consolidate", value: { movesMax: 6 } },
    { $case: "returnHome", value: { hosts: [] } },
    { $case: "rolling", value: { hosts: [], groupMax: 1 } },
  ]);
  if (question === undefined) return;
  scene.ask(`plan ${question.$case}`, () =>
    api.plans.askPlan(
      { snapshotGzip: Buffer.alloc(0), withinMs: 0, keep: true, placeRules: undefined, question },
      api.context,
    ),
  );
}

function anyPlan(scene: Scene): string | undefined {
  const plans = [...(scene.cluster.lastView?.plans.values() ?? [])];
  return pick(
    scene,
    plans.filter(({ state }) => !isPlanOver(state)),
  )?.id;
}

function runPlan(scene: Scene): void {
  const plan = anyPlan(scene);
  if (plan === undefined) return;
  const { api } = scene.cluster;
  const replan = scene.random.fraction() < 0.5;
  scene.ask(`plan run ${plan}`, () =>
    api.kept.runPlan({ plan, replan, copyStorage: false, why }, api.context),
  );
}

const changePlan = (name: string, weight: number, change: PlanChange): Deed =>
  request(name, weight, (scene) => {
    const plan = anyPlan(scene);
    if (plan === undefined) return;
    const { api } = scene.cluster;
    scene.ask(`${name} ${plan}`, () => api.kept.changePlan({ plan, change, why }, api.context));
  });

function returnHost(scene: Scene): void {
  const host = anyHost(scene);
  const { api } = scene.cluster;
  scene.ask(`return ${host}`, () =>
    api.returns.returnHost({ host, uncordon: true, copyStorage: false, why }, api.context),
  );
}

function setRebalance(scene: Scene): void {
  const automation = pick(scene, ["off", "shadow", "manual", "partial", "full"]) ?? "off";
  const { api } = scene.cluster;
  scene.ask(`rebalance ${automation}`, () =>
    api.policy.setPolicy(
      {
        surviveLevel: undefined,
        surviveCount: 0,
        topologyLevels: undefined,
        environments: [],
        automation,
        periodMs: MINUTE_MS,
        gainMin: 0.05,
        startAbove: 0.01,
        holdPasses: 1,
        cooldownMs: 5 * MINUTE_MS,
        movesPerDayMax: 100,
        movesPerPlanMax: 5,
        why,
      },
      api.context,
    ),
  );
}

const nothing: VmRulesChange = {
  addGroups: [],
  removeGroups: [],
  hostLabels: [],
  pinnedTo: undefined,
  environment: undefined,
  pool: undefined,
  tenant: undefined,
  priority: undefined,
  home: undefined,
};

function setRules(scene: Scene): void {
  const vm = anyVm(scene);
  if (vm === undefined) return;
  const { api } = scene.cluster;
  const change = pick<VmRulesChange>(scene, [
    { ...nothing, addGroups: ["db"] },
    { ...nothing, removeGroups: ["db"] },
    { ...nothing, home: anyHost(scene) },
    { ...nothing, pinnedTo: { names: [anyHost(scene), anyHost(scene)] } },
    { ...nothing, pinnedTo: { names: [] } },
  ]);
  scene.ask(`vm set ${vm.spec.name}`, () =>
    api.rules.setVmRules({ vm: vm.id, change, why }, api.context),
  );
}

function createRule(scene: Scene): void {
  const { api } = scene.cluster;
  const mode = scene.random.fraction() < 0.8 ? RuleMode.SPREAD : RuleMode.PACK;
  const max = mode === RuleMode.SPREAD ? 2 : 0;
  const rule = { name: "db", group: "db", mode, preferred: false, level: "host", max };
  scene.ask("rule create db", () =>
    api.rules.createRule({ rule, replace: false, why }, api.context),
  );
}

function deleteRule(scene: Scene): void {
  const { api } = scene.cluster;
  scene.ask("rule rm db", () => api.rules.deleteRule({ name: "db", why }, api.context));
}

function createClaims(scene: Scene): void {
  const { api } = scene.cluster;
  const name = scene.newName("claim");
  const holdSeconds = 30 + Math.floor(scene.random.fraction() * 600);
  scene.ask(`claim ${name}`, () =>
    api.claims.createClaims(
      {
        name,
        cpus: 1,
        memoryBytes: 512n * MIB * BigInt(1 + Math.floor(scene.random.fraction() * 8)),
        count: 2,
        holdSeconds,
        rules: undefined,
        networks: [],
        why,
      },
      api.context,
    ),
  );
}

export const planRequests: readonly Deed[] = [
  request("plan", 5, askPlan),
  request("plan-run", 6, runPlan),
  changePlan("plan-approve", 2, PlanChange.APPROVE),
  changePlan("plan-cancel", 1, PlanChange.CANCEL),
  request("return", 3, returnHost),
  request("rebalance", 2, setRebalance),
  request("rules", 3, setRules),
  request("rule-create", 1, createRule),
  request("rule-rm", 1, deleteRule),
  request("claim", 2, createClaims),
];
