/** Rules, policy and claims as people write them: refused when they clash, kept by every decision. */
import { parseVmId, type VmId } from "@muster/model";
import { RuleMode, type SetPolicyRequest, type VmRulesChange } from "@muster/proto/admin";
import { describe, expect, it } from "vitest";
import { checkAtRest } from "./invariants/at-rest.ts";
import { HOUR_MS, MINUTE_MS, whereIs, why } from "./planned-cluster.ts";
import { createVmRequest } from "./requests.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";

const GIB = 1024n ** 3n;

const rules = (change: Partial<VmRulesChange>): VmRulesChange => ({
  addGroups: [],
  removeGroups: [],
  hostLabels: [],
  pinnedTo: undefined,
  environment: undefined,
  pool: undefined,
  tenant: undefined,
  priority: undefined,
  home: undefined,
  ...change,
});

async function create(
  cluster: SimulatedCluster,
  name: string,
  how: { readonly rules?: VmRulesChange; readonly gib?: bigint; readonly claim?: string } = {},
): Promise<VmId> {
  const wanted = createVmRequest({
    name,
    cpus: 1,
    memoryBytes: (how.gib ?? 1n) * GIB,
    storage: "shared",
    networks: [],
    antiAffinityGroups: [],
    stopped: false,
    host: "",
  });
  const { vm } = await cluster.api.vms.createVm(
    { ...wanted, rules: how.rules, claim: how.claim ?? "" },
    cluster.api.context,
  );
  await cluster.clock.runFor(30_000);
  return parseVmId(vm?.id ?? "");
}

async function describeHost(cluster: SimulatedCluster, host: string, rack: string): Promise<void> {
  await cluster.api.rules.setHostTraits(
    {
      host,
      labels: [],
      failureDomain: { names: ["paris", "row-1", rack] },
      environment: undefined,
      pool: undefined,
      tenants: undefined,
      cpusReserved: undefined,
      memoryReservedBytes: undefined,
      cpuOvercommit: undefined,
      memoryOvercommit: undefined,
      why,
    },
    cluster.api.context,
  );
}

async function racks(): Promise<SimulatedCluster> {
  const cluster = await SimulatedCluster.start({ seed: 5, hosts: 4 });
  for (const [host, rack] of Object.entries({ h1: "a", h2: "a", h3: "b", h4: "b" })) {
    await describeHost(cluster, host, rack);
  }
  return cluster;
}

const spread = { name: "db-apart", group: "db", mode: RuleMode.SPREAD, preferred: false };

const policy = (change: Partial<SetPolicyRequest>): SetPolicyRequest => ({
  surviveLevel: undefined,
  surviveCount: 0,
  topologyLevels: undefined,
  environments: [],
  automation: undefined,
  periodMs: undefined,
  gainMin: undefined,
  startAbove: undefined,
  holdPasses: undefined,
  cooldownMs: undefined,
  movesPerDayMax: undefined,
  movesPerPlanMax: undefined,
  why,
  ...change,
});

describe("rules of groups", () => {
  it("spread over racks, and refuse a member too many with the numbers", async () => {
    await using cluster = await racks();
    const { api } = cluster;
    const rule = { ...spread, level: "rack", max: 1 };
    await api.rules.createRule({ rule, replace: false, why }, api.context);
    const db = rules({ addGroups: ["db"] });
    const vms = [
      await create(cluster, "db-1", { rules: db }),
      await create(cluster, "db-2", { rules: db }),
    ];
    const racksUsed = whereIs(cluster, vms).map((host) =>
      host === "h1" || host === "h2" ? "a" : "b",
    );
    expect(racksUsed.toSorted()).toStrictEqual(["a", "b"]);
    await expect(create(cluster, "db-3", { rules: db })).rejects.toMatchObject({
      code: "wrong-state",
      reasons: ["rule db-apart allows 1 in each of 2 domains, and there are 3 members"],
    });
    const listed = await api.rules.listRules({ name: "" }, api.context);
    expect(listed.rules).toMatchObject([{ members: ["db-1", "db-2"], broken: [] }]);
    expect(checkAtRest(cluster)).toStrictEqual([]);
  });

  it("are refused when they clash with another rule or a pin, naming the pair", async () => {
    await using cluster = await racks();
    const { api } = cluster;
    await api.rules.createRule(
      { rule: { ...spread, level: "rack", max: 1 }, replace: false, why },
      api.context,
    );
    const db = rules({ addGroups: ["db"], pinnedTo: { names: ["h1", "h2"] } });
    await create(cluster, "db-1", { rules: db });
    await create(cluster, "db-2", { rules: rules({ addGroups: ["db"] }) });
    const together = { name: "db-near", group: "db", mode: RuleMode.PACK, preferred: false };
    await expect(
      api.rules.createRule(
        { rule: { ...together, level: "host", max: 0 }, replace: false, why },
        api.context,
      ),
    ).rejects.toMatchObject({
      reasons: [expect.stringMatching(/rules db-apart and db-near clash: db-1, db-2/) as string],
    });
    await expect(
      api.rules.setVmRules(
        { vm: "db-2", change: rules({ pinnedTo: { names: ["h1"] } }), why },
        api.context,
      ),
    ).rejects.toMatchObject({
      reasons: [
        expect.stringMatching(/rule db-apart clashes with where db-1, db-2 are pinned/) as string,
      ],
    });
  });

  it("are replaced only when that is asked for, and keep their date of birth", async () => {
    await using cluster = await racks();
    const { api } = cluster;
    const rule = { ...spread, level: "rack", max: 1 };
    const first = await api.rules.createRule({ rule, replace: false, why }, api.context);
    await expect(
      api.rules.createRule({ rule: { ...rule, max: 2 }, replace: false, why }, api.context),
    ).rejects.toMatchObject({ code: "already-exists" });
    await cluster.clock.runFor(60_000);
    const next = { rule: { ...rule, max: 2 }, replace: true, why };
    const second = await api.rules.createRule(next, api.context);
    expect(second.rule).toMatchObject({ rule: { max: 2 }, createdAt: first.rule?.createdAt });
    const listed = await api.rules.listRules({ name: "" }, api.context);
    expect(listed.rules).toMatchObject([{ rule: { name: "db-apart", max: 2 } }]);
  });

  it("keep the host that they name from being removed", async () => {
    await using cluster = await racks();
    const { api } = cluster;
    const pinned = rules({ pinnedTo: { names: ["h1", "h2"] }, home: "h1" });
    const vm = await create(cluster, "web", { rules: pinned });
    const [where = ""] = whereIs(cluster, [vm]);
    const other = where === "h1" ? "h2" : "h1";
    const removal = api.hosts.removeHost({ host: other, forgetVms: false, why }, api.context);
    await expect(removal).rejects.toMatchObject({
      code: "wrong-state",
      reasons: expect.arrayContaining([`VM web is pinned to it and ${where}`]) as string[],
    });
    expect(checkAtRest(cluster)).toStrictEqual([]);
  });

  it("say what is not so now, and move nothing for it", async () => {
    await using cluster = await racks();
    const { api } = cluster;
    const vm = await create(cluster, "web");
    const [before = ""] = whereIs(cluster, [vm]);
    const other = before === "h1" ? "h2" : "h1";
    const change = rules({ pinnedTo: { names: [other] } });
    const { broken } = await api.rules.setVmRules({ vm: "web", change, why }, api.context);
    expect(broken).toStrictEqual([expect.stringContaining(`web on ${before}: `)]);
    await cluster.clock.runFor(MINUTE_MS);
    expect(whereIs(cluster, [vm])).toStrictEqual([before]);
  });
});

describe("room for losses", () => {
  it("is kept by every placement, and shown when it is not there", async () => {
    await using cluster = await SimulatedCluster.start({ seed: 6, hosts: 2 });
    const { api } = cluster;
    await api.policy.setPolicy(policy({ surviveLevel: "host", surviveCount: 1 }), api.context);
    await create(cluster, "one", { gib: 8n });
    await expect(create(cluster, "two", { gib: 8n })).rejects.toMatchObject({
      code: "no-placement",
      reasons: expect.arrayContaining([
        expect.stringMatching(/losing 1 host \(h1\) would then strand/),
      ]) as string[],
    });
    await api.policy.setPolicy(policy({ surviveLevel: "" }), api.context);
    await create(cluster, "two", { gib: 8n });
    await api.policy.setPolicy(policy({ surviveLevel: "host" }), api.context);
    const { broken } = await api.policy.getPolicy({}, api.context);
    expect(broken).toHaveLength(2);
    expect(broken[0]).toMatch(/^host h[12] lost: VM (one|two) .* would have nowhere to go$/);
  });
});

describe("claims", () => {
  it("hold room for their VMs alone, make way only for free, and end", async () => {
    await using cluster = await SimulatedCluster.start({ seed: 8, hosts: 2 });
    const { api } = cluster;
    const claim = { name: "web", cpus: 1, memoryBytes: 7n * GIB, count: 3, rules: undefined };
    const held = { ...claim, holdSeconds: 600, networks: [], why };
    const { claims } = await api.claims.createClaims(held, api.context);
    expect(claims.map(({ name }) => name)).toStrictEqual(["web-1", "web-2", "web-3"]);
    // 15 GiB on each of two hosts, 21 of 30 held: 8 more fit only when a claim makes way, and none can.
    await expect(create(cluster, "other", { gib: 9n })).rejects.toMatchObject({
      code: "no-placement",
    });
    const vm = await create(cluster, "mine", { gib: 7n, claim: "web-2" });
    expect(vm).toBe(parseVmId(cluster.coordinator.ledger.view.vmByName("mine")?.id ?? ""));
    expect([...cluster.coordinator.ledger.view.claims.keys()]).toStrictEqual(["web-1", "web-3"]);
    await cluster.clock.runFor(HOUR_MS);
    expect(cluster.coordinator.ledger.view.claims.size).toBe(0);
    await create(cluster, "other", { gib: 8n });
    expect(checkAtRest(cluster)).toStrictEqual([]);
  });
});
