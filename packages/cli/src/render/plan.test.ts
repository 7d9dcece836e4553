import type { PlanMove, PlanSection } from "@muster/proto/admin";
import { describe, expect, it } from "vitest";
import { parseResize } from "../commands/plan/what-if.ts";
import { renderPlan } from "./plan.ts";
import { paintNothing } from "./style.ts";

const GIB = 1024n ** 3n;

const move = (fields: Partial<PlanMove> = {}): PlanMove => ({
  step: 1,
  wave: 1,
  vm: "web-1",
  fromHost: "h1",
  toHost: "h2",
  hop: false,
  memoryBytes: 4n * GIB,
  volumeBytes: 0n,
  durationMs: 5_300n,
  downtimeMs: 40,
  diverges: false,
  ...fields,
});

const section = (fields: Partial<PlanSection> = {}): PlanSection => ({
  title: "",
  lines: [],
  moves: [],
  durationMs: 0n,
  stuck: [],
  counts: [],
  restart: false,
  ...fields,
});

const moves = [
  move(),
  move({ step: 2, vm: "db-1", wave: 2, volumeBytes: 20n * GIB, durationMs: 95_000n }),
  move({ step: 3, vm: "busy", wave: 2, diverges: true, toHost: "h3", hop: true }),
];

const golden: Readonly<Record<string, readonly PlanSection[]>> = {
  "plan-drain": [
    section({
      moves,
      durationMs: 100_300n,
      stuck: [
        { vm: "big", host: "h1", reasons: ["h2: not enough memory: wants 64 GiB, 8 GiB free"] },
        { vm: "off", host: "h1", reasons: ["it is stopped: only a running VM moves live"] },
      ],
    }),
  ],
  "plan-recover": [section({ moves: moves.slice(0, 2), restart: true })],
  "plan-rolling": [
    section({ title: "group 1: h2, h3", lines: ["nothing has to move"] }),
    section({ title: "group 2: h1", moves: moves.slice(0, 1), durationMs: 5_300n }),
  ],
  "plan-capacity": [
    section({
      lines: ["12 more VMs of 2 CPUs and 4 GiB fit"],
      counts: [
        { name: "h1", count: 4 },
        { name: "h2", count: 8 },
      ],
    }),
  ],
};

describe("plans", () => {
  it.each(Object.entries(golden))("%s", async (name, sections) => {
    const plan = { snapshotHash: "00e9ed4fe61ec08c", sections, answer: {}, keptPlans: [] };
    const text = renderPlan({ ...plan, outOfTime: name === "plan-rolling" }, paintNothing);
    await expect(text).toMatchFileSnapshot(`../../test/golden/${name}.txt`);
  });
});

describe("--resize", () => {
  it("takes CPUs, memory or both", () => {
    expect(parseResize("db-1,cpus=8,memory=64G")).toEqual({
      vm: "db-1",
      cpus: 8,
      memoryBytes: 64n * GIB,
    });
    expect(parseResize("db-1,cpus=8").memoryBytes).toBe(0n);
  });

  it.each(["db-1", "db-1,disk=3G", "db-1,cpus=zero", ",cpus=1"])("refuses %s", (text) => {
    expect(() => parseResize(text)).toThrow();
  });
});
