/** Goal: every question has an answer a person can judge. Method: small snapshots, by the same door as the threads. */
import { gzipSync } from "node:zlib";
import { renderSnapshot, snapshotHash, type HostSnapshot, type Snapshot } from "@muster/planner";
import { systemClock } from "@muster/runtime";
import { describe, expect, it } from "vitest";
import type { PlanQuestion, Resize } from "./plan-question.ts";
import type { PlanSection } from "./plan-report.ts";
import type { AnsweredQuestion, QuestionWork } from "./question-work.ts";
import { resultOf } from "./serve-question.ts";

const GIB = 1024n ** 3n;

const host = (name: string, fields: Partial<HostSnapshot> = {}): HostSnapshot => ({
  id: `id-${name}`,
  name,
  state: "online",
  cordoned: false,
  capacity: { cpus: 4, cpuOvercommit: 1, memoryBytes: 16n * GIB },
  ...fields,
});

const vm = (name: string, on: string, fields: object = {}): Snapshot["vms"][number] => ({
  id: `id-${name}`,
  name,
  state: "running",
  cpus: 1,
  memoryBytes: 4n * GIB,
  hostId: `id-${on}`,
  ...fields,
});

const cluster: Snapshot = {
  version: 7,
  hosts: [host("h1"), host("h2")],
  vms: [vm("web", "h1"), vm("db", "h1"), vm("off", "h1", { state: "stopped", movable: false })],
  claims: [],
};

const nothing = {
  lose: [],
  loseDomains: [],
  resize: [],
  resizeHosts: [],
  setRules: [],
  removeRules: [],
};

const saved = (snapshot: Snapshot): QuestionWork["snapshot"] => ({
  kind: "saved",
  gzip: new Uint8Array(gzipSync(renderSnapshot(snapshot))),
});

function answer(
  question: PlanQuestion,
  snapshot: QuestionWork["snapshot"] = { kind: "live", snapshot: cluster },
  withinMs = 5_000,
): AnsweredQuestion {
  const result = resultOf({ snapshot, question, withinMs }, systemClock);
  if (!result.ok) throw new Error(result.error.message);
  return result.answered;
}

const textOf = (sections: readonly PlanSection[]): string =>
  sections.flatMap(({ title, lines }) => [title, ...lines]).join("\n");

const movesOf = (sections: readonly PlanSection[]): readonly string[] =>
  sections.flatMap(({ moves }) =>
    moves.map((move) => `${move.vm} ${move.fromHost}>${move.toHost}`),
  );

describe("the planner is asked", () => {
  it("for a drain: moves with their waves, and what stays with the reason", () => {
    const { sections, json, snapshotHash: hash } = answer({ kind: "drain", hosts: ["h1"] });
    expect(movesOf(sections)).toEqual(["db h1>h2", "web h1>h2"]);
    expect(sections[0]?.moves[0]).toMatchObject({ wave: 1, memoryMiB: 4096 });
    expect(sections[0]?.stuck).toEqual([
      { vm: "off", host: "h1", reasons: ["it is stopped: only a running VM moves live"] },
    ]);
    expect(JSON.parse(json)).toMatchObject({ snapshotVersion: 7, waveCount: 1 });
    expect(hash).toBe(snapshotHash(cluster));
  });

  it("for a drain that has no room: every reason of every host", () => {
    const small = host("h2", {
      capacity: { cpus: 4, cpuOvercommit: 1, memoryBytes: 2n * GIB },
    });
    const full = { ...cluster, hosts: [host("h1"), small] };
    const { sections } = answer({ kind: "drain", hosts: ["id-h1"] }, saved(full));
    expect(sections[0]?.stuck.map((stuck) => stuck.vm)).toEqual(["off", "db", "web"].toSorted());
    expect(sections[0]?.stuck.flatMap(({ reasons }) => reasons).join("\n")).toContain(
      "h2: not enough memory: wants 4 GiB, 2 GiB of 2 GiB free (2 GiB short)",
    );
  });

  it("for a recovery: VMs that start again, stopped ones too", () => {
    const { sections } = answer({ kind: "recover", hosts: ["h1"] });
    expect(sections[0]).toMatchObject({ isRestart: true, stuck: [] });
    expect(movesOf(sections)).toHaveLength(3);
  });

  it("to rebalance, with the score before and after, and not at all when nothing is gained", () => {
    const { sections } = answer({ kind: "rebalance", movesMax: 1 });
    expect(movesOf(sections)).toHaveLength(1);
    expect(textOf(sections)).toMatch(/^\nscore 0\.\d+ to 0\.\d+ \(lower is better\)$/);
    const even = { ...cluster, vms: [vm("web", "h1"), vm("db", "h2")] };
    expect(textOf(answer({ kind: "rebalance" }, saved(even)).sections)).toContain("nothing moves:");
  });

  it("while something moves already: then nothing is rebalanced", () => {
    const claims = [{ vmId: "id-web", hostId: "id-h2", cpus: 1, memoryBytes: 4n * GIB }];
    const { sections } = answer({ kind: "rebalance" }, saved({ ...cluster, claims }));
    expect(textOf(sections)).toContain("other motion must end first: web");
  });

  it("for return-home, consolidate and rolling", () => {
    const away = { ...cluster, vms: [vm("web", "h2", { homeHostId: "id-h1" })] };
    const home = answer({ kind: "return-home", hosts: [] }, saved(away));
    expect(movesOf(home.sections)).toEqual(["web h2>h1"]);
    const spread = { ...cluster, vms: [vm("web", "h1"), vm("db", "h2")] };
    const packed = answer({ kind: "consolidate" }, saved(spread));
    expect(textOf(packed.sections)).toMatch(/can be emptied: h[12]/);
    const rolled = answer({ kind: "rolling", hosts: [], groupMax: 1 }, saved(spread));
    expect(rolled.sections.map(({ title }) => title)).toEqual(["group 1: h1", "group 2: h2"]);
  });

  it("for capacity, with and without a loss to survive", () => {
    const shapes = [{ cpus: 1, memoryBytes: 4n * GIB }];
    const { sections, json } = answer({ kind: "capacity", shapes });
    expect(textOf(sections)).toContain("5 more VMs of 1 CPU and 4 GiB fit");
    expect(sections[0]?.counts).toEqual([
      { name: "h1", count: 1 },
      { name: "h2", count: 4 },
    ]);
    expect(JSON.parse(json)).toMatchObject({ tiers: [{ count: 5 }] });
    expect(textOf(answer({ kind: "capacity", shapes, survive: 1 }).sections)).toContain(
      "1 more VMs of 1 CPU and 4 GiB fit while 1 of the hosts may be lost at once",
    );
  });

  it("what if a host were lost, hosts were added, a VM had another size", () => {
    const shape = { cpus: 1, memoryBytes: 4n * GIB };
    const lost = answer({ kind: "what-if", ...nothing, lose: ["h1"], shape });
    expect(textOf(lost.sections)).toContain("3 of 3 VMs would start elsewhere");
    expect(lost.sections.map(({ title }) => title)).toEqual(["without h1", "room"]);
    const added = answer({ kind: "what-if", ...nothing, add: { count: 2, like: "h1" }, shape });
    expect(textOf(added.sections)).toContain("5 now, 13 then");
    const resized = (resize: Resize): string =>
      textOf(answer({ kind: "what-if", ...nothing, resize: [resize] }).sections);
    expect(resized({ vm: "web", cpus: 2 })).toBe(
      "web with 2 CPUs and 4 GiB\nfits where it is, on h1",
    );
    expect(resized({ vm: "db", memoryBytes: 64n * GIB })).toContain(
      "h1: not enough memory: wants 64 GiB",
    );
  });

  it("what would be with other rules: clashes, VMs that break them, and moves after which none does", () => {
    const racks = (snapshot: Snapshot): Snapshot => ({
      ...snapshot,
      hosts: snapshot.hosts.map((each, index) => ({
        ...each,
        failureDomain: ["site", "row", `r${String(index + 1)}`],
      })),
      vms: snapshot.vms.map((each) => ({ ...each, groups: ["db"] })),
    });
    const rule = { name: "apart", group: "db", mode: "spread", strength: "required" } as const;
    const ask = (level: string, max: number, of = racks(cluster)) =>
      answer(
        { kind: "what-if", ...nothing, setRules: [{ ...rule, level, max }] },
        { kind: "live", snapshot: of },
      ).sections;
    expect(textOf(ask("rack", 3))).toContain("every VM keeps the rules where it is");
    expect(movesOf(ask("rack", 2))).toEqual(["web h1>h2"]);
    expect(textOf(ask("rack", 1))).toContain("would be refused: ");
    const with2 = racks(cluster);
    const removed = answer(
      { kind: "what-if", ...nothing, removeRules: ["apart"] },
      { kind: "live", snapshot: { ...with2, rules: [{ ...rule, level: "rack", max: 1 }] } },
    );
    expect(textOf(removed.sections)).toContain("every VM keeps the rules where it is");
    expect(() => answer({ kind: "what-if", ...nothing, removeRules: ["no-such"] })).toThrow(
      /there is no rule "no-such"/,
    );
  });

  it("what would be without a rack, with a smaller host, or when one more may fail", () => {
    const inRacks: Snapshot = {
      ...cluster,
      hosts: cluster.hosts.map((each, index) => ({
        ...each,
        failureDomain: ["site", "row", `r${String(index + 1)}`],
      })),
    };
    const ask = (question: object) =>
      textOf(
        answer({ kind: "what-if", ...nothing, ...question }, { kind: "live", snapshot: inRacks })
          .sections,
      );
    expect(ask({ loseDomains: ["rack=r1"] })).toContain("3 of 3 VMs would start elsewhere");
    expect(ask({ loseDomains: ["site/row/r1"] })).toContain("3 of 3 VMs would start elsewhere");
    expect(() => ask({ loseDomains: ["rack=r9"] })).toThrow(/no host is in "rack=r9"/);
    expect(ask({ resizeHosts: [{ host: "h1", memoryBytes: 8n * GIB }] })).toContain(
      "1 CPUs free, 4096 MiB of memory too few",
    );
    expect(ask({ survive: { level: "host", count: 1 } })).toContain(
      "any 1 of level host could be lost",
    );
    const smaller = { resizeHosts: [{ host: "h2", memoryBytes: 8n * GIB }] };
    expect(ask({ ...smaller, survive: { level: "host", count: 1 } })).toContain(
      "not survived: host h1 lost",
    );
  });

  it("where a VM goes, and what would make it fit when it goes nowhere", () => {
    const wanted = { id: "id-new", name: "new", cpus: 1, memoryBytes: 4n * GIB };
    expect(textOf(answer({ kind: "place", vm: wanted }).sections)).toContain("goes to h2");
    const refused = answer({ kind: "place", vm: { ...wanted, memoryBytes: 20n * GIB } });
    expect(textOf(refused.sections)).toContain("with 16 GiB of memory it would fit now");
    expect(textOf(refused.sections)).toContain("on h2 only this stands in the way");
  });
});

describe("time and mistakes", () => {
  it("the best so far comes back when the time is over", () => {
    const shapes = [{ cpus: 0, memoryBytes: 0n }];
    const { outOfTime } = answer({ kind: "capacity", shapes }, undefined, 5);
    expect(outOfTime).toBe(true);
    const rolled = answer({ kind: "rolling", hosts: [] }, undefined, 0);
    expect(textOf(rolled.sections)).toContain("not reached: ");
    expect(rolled.outOfTime).toBe(true);
  });

  it.each([
    ["not gzip", new Uint8Array([1, 2, 3]), /not gzip/],
    ["not JSON", new Uint8Array(gzipSync("hello")), /cannot work with this snapshot/],
    ["of another format", new Uint8Array(gzipSync("{}")), /cannot work with this snapshot/],
    ["too large", new Uint8Array(gzipSync(Buffer.alloc(17 * 1024 * 1024))), /larger than 16 MiB/],
  ])("a snapshot that is %s is refused by name", (_what, gzip, message) => {
    const work = { question: { kind: "rebalance" }, withinMs: 1_000 } as const;
    const result = resultOf({ ...work, snapshot: { kind: "saved", gzip } }, systemClock);
    expect(result).toMatchObject({ ok: false, error: { code: "invalid" } });
    expect(result.ok ? "" : result.error.message).toMatch(message);
  });

  it("a host that is not there is refused with those that are", () => {
    const work = { snapshot: { kind: "live", snapshot: cluster }, withinMs: 1_000 } as const;
    const result = resultOf({ ...work, question: { kind: "drain", hosts: ["h9"] } }, systemClock);
    expect(result).toMatchObject({
      ok: false,
      error: { code: "invalid", hint: "it has: h1, h2" },
    });
  });
});
