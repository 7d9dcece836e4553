/**
 * What will happen to a cluster, decided before it begins. Pure. Each entry has its own chance: when one is taken out,
 * the others choose as before, so that a failing history can be made smaller (`shrink.ts`).
 */
import { seededRandom, type Random } from "@muster/runtime";
import type { Deed } from "./deeds/deed.ts";

export interface Entry {
  readonly atMs: number;
  readonly deed: string;
  /** Of its own choices: which host, which VM. */
  readonly seed: number;
  /** Until what it began ends. 0: it ends by itself. */
  readonly forMs: number;
}

export interface ScheduleOptions {
  readonly seed: number;
  readonly durationMs: number;
}

/** Mean pause between two entries: from a storm to an ordinary afternoon. */
const pausesMs = [3_000, 8_000, 20_000, 60_000, 180_000] as const;
/** More than this in one history is only more of the same. */
const ENTRIES_MAX = 1_200;
/** Of a storm's time, quiet enough for what was begun to end. */
const LULL_FRACTION = 0.02;
const LULL_MS = 5 * 60_000;

export function schedule(
  { seed, durationMs }: ScheduleOptions,
  deeds: readonly Deed[],
): readonly Entry[] {
  const random = seededRandom(seed);
  const pauseMs = Math.max(pick(random, pausesMs), durationMs / ENTRIES_MAX);
  const chosen = chooseKinds(deeds, random);
  const total = chosen.reduce((sum, { weight }) => sum + weight, 0);
  const entries: Entry[] = [];
  let atMs = 0;
  for (;;) {
    const lull = random.fraction() < LULL_FRACTION ? LULL_MS : 0;
    atMs += random.fraction() * 2 * pauseMs + lull;
    if (atMs >= durationMs) return entries;
    let dart = random.fraction() * total;
    const deed = chosen.find(({ weight }) => (dart -= weight) < 0) ?? chosen[0];
    if (deed === undefined) return entries;
    const [least, most] = deed.lastsMs ?? [0, 0];
    const forMs = Math.round(least + random.fraction() * (most - least));
    const own = Math.floor(random.fraction() * 2 ** 32);
    entries.push({ atMs: Math.round(atMs), deed: deed.name, seed: own, forMs });
  }
}

/** People always ask; of the misfortunes each history has its own mixture, so that some are rid of the most common. */
function chooseKinds(deeds: readonly Deed[], random: Random): readonly Deed[] {
  return deeds.filter(({ isFault }) => !isFault || random.fraction() < 0.6);
}

const pick = <Value>(random: Random, values: readonly [Value, ...Value[]]): Value =>
  values[Math.floor(random.fraction() * values.length)] ?? values[0];

export const renderEntry = ({ atMs, deed, forMs }: Entry): string =>
  `${(atMs / 1000).toFixed(3).padStart(9)} ${deed}${forMs === 0 ? "" : ` for ${(forMs / 1000).toFixed(1)} s`}`;
