/** Beside Ganeti's htools on the same inputs. What hbal reaches was measured once; where that takes hours or days, it was computed by its own rule. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measureLoopDelay } from "../loop-delay.ts";
import { askQuestions } from "../questions.ts";
import { rebalanceHtools } from "../rebalance.ts";
import type { Row } from "./rows.ts";

interface Peer {
  readonly nodes: number;
  readonly instances: number;
  readonly ignoreDynu: boolean;
  /** What hbal does; missing where even computing it takes days. */
  readonly hbal?: { readonly moves: number; readonly score: number };
  readonly secondsMax: number;
  /** What is asked for at hbal's number of moves in ten seconds. */
  readonly scoreMax?: number;
}

const PEERS: readonly Peer[] = [
  {
    nodes: 20,
    instances: 400,
    ignoreDynu: false,
    hbal: { moves: 99, score: 3.539 },
    secondsMax: 0.2,
    scoreMax: 2.6,
  },
  {
    nodes: 20,
    instances: 400,
    ignoreDynu: true,
    hbal: { moves: 33, score: 0.09982 },
    secondsMax: 0.2,
  },
  {
    nodes: 100,
    instances: 2000,
    ignoreDynu: false,
    hbal: { moves: 436, score: 2.94367 },
    secondsMax: 2,
    scoreMax: 2.36,
  },
  {
    nodes: 100,
    instances: 2000,
    ignoreDynu: true,
    hbal: { moves: 129, score: 0.0999 },
    secondsMax: 2,
  },
  {
    nodes: 400,
    instances: 8000,
    ignoreDynu: false,
    hbal: { moves: 1968, score: 3.10893 },
    secondsMax: 10,
  },
  {
    nodes: 400,
    instances: 8000,
    ignoreDynu: true,
    hbal: { moves: 635, score: 0.09992 },
    secondsMax: 10,
  },
  { nodes: 1000, instances: 20_000, ignoreDynu: false, secondsMax: 60 },
];

/** hbal's score of the 1000x20000 input at a full local optimum of single moves, which hbal itself would take weeks for. */
const LOCAL_OPTIMUM = 5.07;

export function* rebalanceRows(data: string): Generator<Row> {
  for (const peer of PEERS) {
    const input = inputOf(data, peer);
    const how = {
      htools: input.path,
      seed: 1,
      ignoreDynu: peer.ignoreDynu,
      evaluations: undefined,
    };
    const run = (seconds: number, maxMoves: number | undefined) =>
      rebalanceHtools({ ...how, budget: { seconds, cpu: true }, maxMoves }).result;
    const name = `${peer.nodes}x${peer.instances}${peer.ignoreDynu ? " --ignore-dynu" : ""}`;
    // Reading and ordering take their part of the time.
    const quick = run(peer.secondsMax * SEARCH_SHARE, peer.hbal?.moves);
    const note = `${quick.moveCount} moves in ${(quick.milliseconds / 1000).toFixed(2)} s (bar ${peer.secondsMax} s, CPU ${(quick.cpuMilliseconds / 1000).toFixed(2)} s)`;
    yield {
      work: `rebalance ${name}, score`,
      measured: quick.finalScore,
      unit: "",
      bar: { atMost: peer.hbal?.score ?? LOCAL_OPTIMUM },
      note,
    };
    if (peer.hbal === undefined) continue;
    if (peer.scoreMax !== undefined) {
      yield {
        work: `rebalance ${name}, hbal's moves, 10 s: score`,
        measured: run(10 * SEARCH_SHARE, peer.hbal.moves).finalScore,
        unit: "",
        bar: { atMost: peer.scoreMax },
        note: `hbal ${peer.hbal.score}`,
      };
    }
    if (peer.nodes <= 100) yield halfRow(name, peer.hbal, run);
    input.remove();
  }
}

const SEARCH_SHARE = 0.8;

function halfRow(
  name: string,
  hbal: { readonly moves: number; readonly score: number },
  run: (seconds: number, maxMoves: number) => ReturnType<typeof rebalanceHtools>["result"],
): Row {
  const { initialScore, finalScore } = run(5, Math.floor(hbal.moves / 2));
  return {
    work: `rebalance ${name}, half of hbal's moves: gain`,
    measured: (100 * (initialScore - finalScore)) / (initialScore - hbal.score),
    unit: "% of hbal's",
    bar: { atLeast: 90 },
  };
}

/** The inputs that are kept, or one made by their generator. */
function inputOf(data: string, { nodes, instances }: Peer) {
  const kept = join(data, "htools", `shared-${nodes}x${instances}.data`);
  if (existsSync(kept)) return { path: kept, remove: () => undefined };
  const folder = mkdtempSync(join(tmpdir(), "muster-bench-"));
  const base = join(folder, "shared");
  const size = ["--nodes", String(nodes), "--insts", String(instances)];
  const how = ["--mode", "shared", "--seed", "42", "--out", base];
  execFileSync(process.execPath, [join(data, "htools", "gen.mjs"), ...size, ...how]);
  return { path: `${base}.data`, remove: () => rmSync(folder, { recursive: true }) };
}

/** The coordinator goes on while the planner thinks for a minute. */
export async function* loopRows(data: string): AsyncGenerator<Row> {
  const size = { nodes: 1000, instances: 20_000, ignoreDynu: false, secondsMax: 0 };
  const input = inputOf(data, size);
  const { p99Ms, maxMs, longestTurnCpuMs, moves, seconds } = await measureLoopDelay(
    input.path,
    60_000,
  );
  const note = `${moves} moves in ${seconds.toFixed(0)} s; longest ${maxMs.toFixed(0)} ms, of it CPU at most ${longestTurnCpuMs.toFixed(1)} ms`;
  yield {
    work: "event loop delay while a rebalance of 1000x20000 runs, p99",
    measured: p99Ms,
    unit: "ms",
    bar: { atMost: 20 },
    note,
  };
  input.remove();
}

/** What hspace counts, by question and hosts; where hosts may fail it does not end. */
const COUNTS: Readonly<Record<string, Readonly<Record<number, number>>>> = {
  capacity: { 100: 2175 },
};

/** Limits in milliseconds, and what must come out, by question. */
const QUESTIONS: Readonly<
  Record<string, readonly { readonly nodes: number; readonly atMost: number }[]>
> = {
  "drain the busiest host": [
    { nodes: 100, atMost: 10 },
    { nodes: 1000, atMost: 50 },
  ],
  "drain every tenth host": [{ nodes: 1000, atMost: 3000 }],
  "can every host fail?": [{ nodes: 1000, atMost: 2000 }],
  "capacity, each host may fail": [
    { nodes: 100, atMost: 50 },
    { nodes: 1000, atMost: 3000 },
  ],
};

export function* questionRows(data: string): Generator<Row> {
  for (const [nodes, instances] of [
    [100, 2000],
    [1000, 20_000],
  ] as const) {
    const input = inputOf(data, { nodes, instances, ignoreDynu: false, secondsMax: 0 });
    for (const asked of askQuestions(input.path)) {
      const limit = QUESTIONS[asked.question]?.find((entry) => entry.nodes === nodes);
      yield {
        work: `${asked.question} ${nodes}x${instances}`,
        measured: asked.milliseconds,
        unit: "ms",
        ...(limit === undefined ? {} : { bar: { atMost: limit.atMost } }),
        note: notesOf(asked),
      };
      const expected = asked.countCeiling ?? COUNTS[asked.question]?.[nodes];
      if (asked.count === undefined || expected === undefined) continue;
      yield {
        work: `${asked.question} ${nodes}x${instances}: count`,
        measured: asked.count,
        unit: "VMs",
        bar: { atLeast: Math.ceil(0.99 * expected) },
        note: asked.countCeiling === undefined ? "hspace's" : `no more than ${expected} can be`,
      };
    }
    input.remove();
  }
}

function notesOf(asked: ReturnType<typeof askQuestions>[number]): string {
  const { moves, count, failuresNotSurvived, cpuMilliseconds } = asked;
  const found = [
    moves === undefined ? "" : `${moves} moves`,
    count === undefined ? "" : `${count} more`,
    failuresNotSurvived === undefined ? "" : `${failuresNotSurvived} not survived`,
    `CPU ${cpuMilliseconds.toFixed(1)} ms`,
  ];
  return found.filter((part) => part !== "").join(", ");
}
