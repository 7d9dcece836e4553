/**
 * Contestants that do the same work by turns. The machine may be busy with other things: a round goes through all of
 * them and back again, so that a busy moment or a slow drift hits neighbours alike; each round gives a ratio of its own,
 * and their median is judged. CPU time stands beside the time on the clock, since it hardly depends on who else runs.
 */
import { readFileSync } from "node:fs";
import { quantile, type Row } from "./report.ts";

/** What one contestant's turn took. */
export interface Turn {
  readonly seconds: number;
  /** Of the client. */
  readonly cpuSeconds: number;
}

export interface Contestant {
  readonly name: string;
  /** Always the same amount of work. */
  readonly run: () => Promise<Turn>;
}

/** Per round, the turn there and the turn back together. */
interface Round {
  seconds: number;
  cpuSeconds: number;
  daemonCpuSeconds: number;
}

/** A contestant's rounds, in order. */
export type Rounds = readonly Readonly<Round>[];

export interface RoundsOptions {
  readonly rounds: number;
  /** CPU seconds that the daemon has used so far. */
  readonly daemonCpu: () => number;
}

export async function interleave(
  contestants: readonly Contestant[],
  { rounds, daemonCpu }: RoundsOptions,
): Promise<ReadonlyMap<string, Rounds>> {
  const all = new Map(contestants.map(({ name }) => [name, [] as Round[]]));
  for (let number = 0; number < rounds; number++) {
    for (const [, list] of all) list.push({ seconds: 0, cpuSeconds: 0, daemonCpuSeconds: 0 });
    for (const { name, run } of [...contestants, ...contestants.toReversed()]) {
      const before = daemonCpu();
      const turn = await run();
      const round = all.get(name)?.[number];
      if (!round) continue;
      round.seconds += turn.seconds;
      round.cpuSeconds += turn.cpuSeconds;
      round.daemonCpuSeconds += daemonCpu() - before;
    }
  }
  return all;
}

/** How long something of ours takes, and what it costs this process. */
export async function timed(work: () => Promise<unknown>): Promise<Turn> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { seconds, cpuSeconds: (user + system) / 1e6 };
}

/** In /proc/PID/stat, CPU time counts in hundredths of a second. */
const TICKS_PER_SECOND = 100;

/** Reads the CPU seconds that a process has used, from outside. */
export function cpuOfProcess(pid: number): () => number {
  return () => {
    const [, fields = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
    const [user = NaN, system = NaN] = fields.split(" ").slice(11, 13).map(Number);
    return (user + system) / TICKS_PER_SECOND;
  };
}

/** What of a round is compared. */
const sides = {
  time: ({ seconds }: Round) => seconds,
  client: ({ cpuSeconds }: Round) => cpuSeconds,
  both: ({ cpuSeconds, daemonCpuSeconds }: Round) => cpuSeconds + daemonCpuSeconds,
} as const;

export interface Comparison {
  readonly what: string;
  readonly side: keyof typeof sides;
  /** Calls, or MiB, of one turn. */
  readonly units: number;
  /** A rate per second, or the time of one unit in parts of a second: 1e3 is milliseconds. */
  readonly shown: "rate" | number;
  readonly ours: Rounds | undefined;
  readonly theirs: Rounds | undefined;
  readonly peer: string;
  readonly bar: number | null;
}

/** One line of the result. */
export function compare(comparison: Comparison): Row {
  const { what, side, units, shown, peer, bar, ours = [], theirs } = comparison;
  const cost = sides[side];
  const valueOf = (rounds: Rounds) => {
    const perUnit = quantile(rounds.map(cost), 0.5) / (2 * units);
    return shown === "rate" ? 1 / perUnit : perUnit * shown;
  };
  const ratios = ours.flatMap((round, number) => {
    const other = theirs?.[number];
    return other ? [cost(other) / cost(round)] : [];
  });
  return {
    what,
    ours: valueOf(ours),
    peer,
    theirs: theirs ? valueOf(theirs) : null,
    bar,
    lessIsBetter: shown !== "rate",
    ...(ratios.length > 0 && { rounds: ratios }),
  };
}
