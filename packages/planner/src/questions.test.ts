/** The questions beside placement, each on a cluster small enough to see the answer. */
import { describe, expect, it } from "vitest";
import { capacity } from "./capacity.ts";
import { planDrain } from "./drain.ts";
import { renderMotion, renderStuck } from "./explain-motion.ts";
import { planRebalance } from "./rebalance.ts";
import { planRecovery } from "./recover.ts";
import { planReturnHome } from "./return-home.ts";
import { planRolling } from "./rolling.ts";
import { GiB, aClaim, aHost, aRequest, aSnapshot, aVm } from "./testing/builders.ts";
import { applyChanges } from "./what-if.ts";
import { renderWouldFit, whatWouldFit } from "./would-fit.ts";

const lopsided = aSnapshot({
  hosts: [aHost("h1"), aHost("h2")],
  vms: ["a", "b", "c", "d"].map((id) => aVm(id, { hostId: "h1", memoryBytes: 2n * GiB })),
});

const seldomChanged = { evaluationsMax: 4000 } as const;

describe("rebalance", () => {
  it("moves half of what is on one of two hosts, and then nothing more", () => {
    const plan = planRebalance(lopsided, seldomChanged);
    expect(plan).toMatchObject({ ok: true, whyEmpty: null, totals: { moves: 2 } });
    const even = aSnapshot({
      hosts: lopsided.hosts,
      vms: lopsided.vms.map((vm, index) => ({ ...vm, hostId: index < 2 ? "h1" : "h2" })),
    });
    expect(planRebalance(even, seldomChanged)).toMatchObject({ moves: [], whyEmpty: "balanced" });
  });

  it.each([
    ["below-start", { restraint: { startAbove: 10 } }],
    ["gain-too-small", { restraint: { gainMin: 10 } }],
    ["budget-spent", { restraint: { movesPerDayMax: 0 } }],
  ] as const)("does nothing when %s", (whyEmpty, options) => {
    expect(planRebalance(lopsided, { ...seldomChanged, ...options })).toMatchObject({
      moves: [],
      whyEmpty,
    });
  });

  it("leaves a VM alone that has just moved", () => {
    const lastMoves = ["a", "b", "c"].map((vmId) => ({ vmId, secondsAgo: 60 }));
    const snapshot = { ...lopsided, history: { movesLastDay: 3, lastMoves } };
    const plan = planRebalance(snapshot, seldomChanged);
    expect(plan.ok && plan.moves.map((move) => move.vmId)).toEqual(["d"]);
  });

  it("refuses to start while other motion runs", () => {
    const snapshot = { ...lopsided, claims: [aClaim("a", "h2", { memoryBytes: 2n * GiB })] };
    expect(planRebalance(snapshot)).toEqual({
      ok: false,
      reason: "motion-under-way",
      vmIds: ["a"],
    });
  });
});

describe("drain and return", () => {
  it("names what cannot leave, with the reason", () => {
    const snapshot = aSnapshot({
      hosts: [aHost("h1"), aHost("h2", { capacity: { memoryBytes: 4n * GiB } })],
      vms: [
        aVm("large", { hostId: "h1", memoryBytes: 8n * GiB }),
        aVm("small", { hostId: "h1" }),
        aVm("tied", { hostId: "h1", movable: false }),
      ],
    });
    const plan = planDrain(snapshot, ["h1"]);
    expect(plan.moves).toMatchObject([{ vmId: "small", toHostId: "h2", wave: 1 }]);
    expect(plan.stuck).toMatchObject([
      { vmId: "large", why: { kind: "no-host" } },
      { vmId: "tied", why: { kind: "not-movable" } },
    ]);
  });

  it("lets two VMs change places over a third host when neither has room", () => {
    const full = { memoryBytes: 12n * GiB };
    const snapshot = aSnapshot({
      hosts: [aHost("h1"), aHost("h2"), aHost("h3")],
      vms: [
        aVm("a", { ...full, hostId: "h1", homeHostId: "h2" }),
        aVm("b", { ...full, hostId: "h2", homeHostId: "h1" }),
      ],
    });
    expect(planReturnHome(snapshot).moves).toMatchObject([
      { vmId: "a", toHostId: "h3", isHop: true, wave: 1 },
      { vmId: "b", toHostId: "h1", isHop: false, wave: 2 },
      { vmId: "a", toHostId: "h2", isHop: false, wave: 3 },
    ]);
  });

  it("reads as a list of waves", () => {
    const snapshot = aSnapshot({
      hosts: [aHost("h1"), aHost("h2"), aHost("h3", { capacity: { memoryBytes: 4n * GiB } })],
      vms: [
        aVm("large", { hostId: "h1", memoryBytes: 8n * GiB }),
        aVm("tied", { hostId: "h1", movable: false }),
      ],
    });
    const plan = planDrain(snapshot, ["h1"]);
    expect(renderMotion(plan, snapshot)).toEqual([
      "wave 1:",
      "  large: h1 to h2, 8 GiB, 9.6 s, still for 0 ms",
      "1 move in 1 wave: 8 GiB of memory, about 9.6 s",
    ]);
    expect(plan.stuck.flatMap((vm) => renderStuck(vm))).toEqual(["VM tied cannot move live"]);
    expect(renderMotion(planDrain(snapshot, ["h2"]), snapshot)).toEqual(["nothing to move"]);
  });

  it("says which rules stand in the way when there is no order at all", () => {
    const full = { memoryBytes: 12n * GiB };
    const snapshot = aSnapshot({
      hosts: [aHost("h1"), aHost("h2")],
      vms: [
        aVm("a", { ...full, hostId: "h1", homeHostId: "h2" }),
        aVm("b", { ...full, hostId: "h2", homeHostId: "h1" }),
      ],
    });
    const plan = planReturnHome(snapshot);
    expect(plan.moves).toEqual([]);
    expect(renderMotion(plan, snapshot)[0]).toBe(
      "left out: a to h2: not enough memory: wants 12 GiB, 4 GiB of 16 GiB free (8 GiB short)",
    );
    expect(plan.dropped).toMatchObject([
      { vmId: "a", refusals: [{ check: "enough-memory" }] },
      { vmId: "b", refusals: [{ check: "enough-memory" }] },
    ]);
  });

  it("a busy guest takes longer to move, and one that outruns the link does not converge", () => {
    const cost = (dirtyBytesPerSecond: number) => {
      const measured = { cpus: 1, memoryBytes: 10n * GiB, dirtyBytesPerSecond };
      const vm = aVm("v", { hostId: "h1", memoryBytes: 10n * GiB, measured });
      const hosts = ["h1", "h2"].map((id) => aHost(id, { linkBytesPerSecond: 1e9 }));
      return planDrain(aSnapshot({ hosts, vms: [vm] }), ["h1"]).moves[0]?.cost;
    };
    expect(cost(0)).toMatchObject({ memoryMiB: 10240, downtimeMs: 0, converges: true });
    expect(cost(5e8)?.seconds).toBeGreaterThan((cost(0)?.seconds ?? 0) * 1.8);
    expect(cost(2e9)).toMatchObject({ converges: false, downtimeMs: 300 });
  });
});

describe("recovery", () => {
  it("takes the important first when there is not room for all", () => {
    const snapshot = aSnapshot({
      hosts: [aHost("h1"), aHost("h2", { capacity: { memoryBytes: 8n * GiB } })],
      vms: [
        aVm("batch", { hostId: "h1", memoryBytes: 8n * GiB }),
        aVm("database", { hostId: "h1", memoryBytes: 6n * GiB, priority: 10 }),
      ],
    });
    const plan = planRecovery(snapshot, ["h1"]);
    expect(plan.moves.map((move) => move.vmId)).toEqual(["database"]);
    expect(plan.stuck.map(({ vmId }) => vmId)).toEqual(["batch"]);
  });

  it("cannot restart a VM whose volumes are on the lost host", () => {
    const storages = [{ name: "local", freeBytes: 100n * GiB, shared: false }];
    const snapshot = aSnapshot({
      hosts: [aHost("h1", { storages }), aHost("h2", { storages })],
      vms: [aVm("v", { hostId: "h1", disks: [{ storage: "local", sizeBytes: GiB }] })],
    });
    expect(planRecovery(snapshot, ["h1"]).stuck).toMatchObject([
      { vmId: "v", why: { kind: "volumes-lost", storages: ["local"] } },
    ]);
  });
});

describe("rolling", () => {
  it("takes as many hosts together as the others can stand in for", () => {
    const snapshot = aSnapshot({
      hosts: ["h1", "h2", "h3", "h4"].map((id) => aHost(id)),
      vms: ["h1", "h2", "h3", "h4"].map((hostId) =>
        aVm(`on-${hostId}`, { hostId, memoryBytes: 8n * GiB }),
      ),
    });
    expect(planRolling(snapshot).groups.map(({ hostIds }) => hostIds)).toEqual([
      ["h1", "h2"],
      ["h3", "h4"],
    ]);
    expect(planRolling(snapshot, { groupMax: 1 }).groups).toHaveLength(4);
  });
});

describe("capacity and what-if", () => {
  const shape = { cpus: 1, memoryBytes: 4n * GiB };
  const empty = aSnapshot({ hosts: [aHost("h1"), aHost("h2")] });

  it("counts what fits, in tiers, and less of it when a host may fail", () => {
    expect(capacity(empty, [shape]).tiers).toMatchObject([{ count: 8 }]);
    const small = { cpus: 1, memoryBytes: GiB };
    expect(capacity(empty, [{ ...shape, memoryBytes: 9n * GiB }, small]).tiers).toMatchObject([
      { count: 2 },
      { count: 6, refusedByCheck: [{ check: "enough-cpu", hosts: 2 }] },
    ]);
    const careful = { ...empty, policy: { survive: { level: "host", count: 1 } } };
    expect(capacity(careful, [shape]).tiers).toMatchObject([{ count: 4 }]);
  });

  it("answers for a cluster that is not there yet", () => {
    const more = applyChanges(empty, [
      { kind: "add-hosts", like: "h1", count: 2 },
      { kind: "resize-host", hostId: "h2", capacity: { memoryBytes: 4n * GiB } },
      { kind: "lose-hosts", hostIds: ["h1"] },
    ]);
    expect(capacity(more, [shape]).byHost).toEqual([
      { hostId: "h1-like-1", count: 4 },
      { hostId: "h1-like-2", count: 4 },
      { hostId: "h2", count: 1 },
    ]);
    expect(() => applyChanges(empty, [{ kind: "cordon", hostIds: ["gone"] }])).toThrow(
      "there is no host gone in the snapshot",
    );
  });
});

describe("what would make it fit", () => {
  it("finds the move that makes room", () => {
    const snapshot = aSnapshot({
      hosts: [aHost("h1"), aHost("h2"), aHost("h3", { cordoned: true })],
      vms: [
        aVm("a", { hostId: "h1", memoryBytes: 10n * GiB }),
        aVm("b", { hostId: "h1", memoryBytes: 2n * GiB }),
        aVm("c", { hostId: "h2", memoryBytes: 6n * GiB }),
      ],
    });
    const found = whatWouldFit(snapshot, aRequest({ memoryBytes: 12n * GiB }));
    expect(renderWouldFit(found)).toEqual([
      "it would fit on h1 after moving a to h2 (10 GiB)",
      "on h1 only this stands in the way: not enough memory: wants 12 GiB, 4 GiB of 16 GiB free (8 GiB short)",
      "on h2 only this stands in the way: not enough memory: wants 12 GiB, 10 GiB of 16 GiB free (2 GiB short)",
      "on h3 only this stands in the way: the host is cordoned",
      "with 10 GiB of memory it would fit now",
    ]);
    const open = applyChanges(snapshot, [
      { kind: "uncordon", hostIds: ["h3"] },
      { kind: "resize-host", hostId: "h3", capacity: { memoryBytes: 6n * GiB } },
    ]);
    expect(renderWouldFit(whatWouldFit(open, aRequest({ memoryBytes: 12n * GiB })))[0]).toBe(
      "it would fit on h2 after moving c to h3 (6 GiB)",
    );
  });
});
