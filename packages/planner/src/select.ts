/**
 * One decision over the accounts as they are: sieve the hosts through the hard rules, score what is left.
 * Nothing here changes the accounts.
 */
import type { Candidate, CheckCount, HostRefusals, ScoreTerm } from "./answer.ts";
import { hostAt, type Filter } from "./filter.ts";
import { accountFilters, filters } from "./filters/index.ts";
import { survivesFailure } from "./filters/survives-failure.ts";
import type { CheckName, Refusal } from "./refusal.ts";
import { DEFAULT_WEIGHTS, type ScoreTable, type Scorer, type Weights } from "./scorer.ts";
import { scorers } from "./scorers/index.ts";
import type { StaticVerdict } from "./static-verdicts.ts";
import type { ClusterUsage } from "./usage.ts";
import type { Want } from "./want.ts";

export interface Selection {
  /** Host indexes, or -1. */
  readonly best: number;
  readonly second: number;
  readonly bestScore: number;
  readonly secondScore: number;
  readonly feasible: number;
  readonly refusedByCheck: readonly CheckCount[];
}

/** Working space for one cluster size, so that a decision allocates next to nothing. */
export class SelectionSpace {
  readonly hosts: Int32Array;
  readonly scores: Float64Array;

  constructor(hostCount: number) {
    this.hosts = new Int32Array(hostCount);
    this.scores = new Float64Array(hostCount);
  }
}

export function selectHost(
  usage: ClusterUsage,
  want: Want,
  how: {
    readonly weights: Weights;
    readonly space: SelectionSpace;
    readonly statics: StaticVerdict;
    /** Whether the runner-up must be known to pass every rule too. */
    readonly isSecondWanted: boolean;
  },
): Selection {
  const { hosts, scores } = how.space;
  const refusedByCheck: CheckCount[] = [...how.statics.refusedByCheck];
  hosts.set(how.statics.hosts);
  let left = how.statics.hosts.length;
  for (const filter of accountFilters) {
    if (left === 0) break;
    if (!filter.applies(usage, want)) continue;
    const kept = sieve(filter, usage, want, hosts.subarray(0, left));
    if (kept < left) refusedByCheck.push({ check: filter.name, hosts: left - kept });
    left = kept;
  }
  const candidates = hosts.subarray(0, left);
  addScores(usage, want, how.weights, { candidates, scores });
  let two = bestTwo(candidates, scores);
  let refused = 0;
  if (survivesFailure.applies(usage, want)) {
    // Dear to ask: so the best are asked first, and only until two have passed.
    while (two.best >= 0) {
      const asked = how.isSecondWanted ? [two.best, two.second] : [two.best];
      const failing = asked.filter(
        (host) => host >= 0 && !survivesFailure.passes(usage, want, host),
      );
      if (failing.length === 0) break;
      for (const host of failing) {
        scores[candidates.indexOf(host)] = Infinity;
      }
      refused += failing.length;
      two = bestTwo(candidates, scores);
    }
    if (refused > 0) refusedByCheck.push({ check: "survives-failure", hosts: refused });
  }
  return { ...two, feasible: left - refused, refusedByCheck };
}

/** The score of each candidate, by position. */
export function addScores(
  usage: ClusterUsage,
  want: Want,
  weights: Weights,
  of: { readonly candidates: Int32Array; readonly scores: Float64Array },
): void {
  of.scores.fill(0, 0, of.candidates.length);
  for (const scorer of scorers) {
    const weight = weights[scorer.name];
    if (weight === 0 || !scorer.applies(usage, want)) continue;
    const into = { ...of, weight };
    if (scorer.addCosts === undefined) addCosts(scorer, usage, want, into);
    else scorer.addCosts(usage, want, into);
  }
}

function sieve(filter: Filter, usage: ClusterUsage, want: Want, hosts: Int32Array): number {
  if (filter.sieve !== undefined) return filter.sieve(usage, want, hosts);
  const { passes } = filter;
  let kept = 0;
  for (let i = 0; i < hosts.length; i++) {
    const host = hosts[i] as number;
    if (passes(usage, want, host)) hosts[kept++] = host;
  }
  return kept;
}

function addCosts(scorer: Scorer, usage: ClusterUsage, want: Want, into: ScoreTable): void {
  const { cost } = scorer;
  const { candidates, scores, weight } = into;
  for (let i = 0; i < candidates.length; i++) {
    scores[i] = (scores[i] as number) + weight * cost(usage, want, candidates[i] as number);
  }
}

/** Candidates are in the order of their ids, so of equal hosts the first id wins. */
function bestTwo(candidates: Int32Array, scores: Float64Array) {
  let best = -1;
  let second = -1;
  let bestScore = Infinity;
  let secondScore = Infinity;
  for (let i = 0; i < candidates.length; i++) {
    const score = scores[i] as number;
    if (score < bestScore) {
      second = best;
      secondScore = bestScore;
      best = candidates[i] as number;
      bestScore = score;
    } else if (score < secondScore) {
      second = candidates[i] as number;
      secondScore = score;
    }
  }
  return { best, second, bestScore, secondScore };
}

/** The score of one host, term by term. */
export function explainScore(
  usage: ClusterUsage,
  want: Want,
  at: { readonly host: number; readonly weights: Weights },
): Candidate {
  const terms: ScoreTerm[] = [];
  for (const scorer of scorers) {
    const weight = at.weights[scorer.name];
    if (weight === 0 || !scorer.applies(usage, want)) continue;
    const value = scorer.cost(usage, want, at.host);
    terms.push({ name: scorer.name, weight, value, weighted: weight * value });
  }
  const { id: hostId, name: hostName } = hostAt(usage, at.host);
  return { hostId, hostName, score: terms.reduce((sum, term) => sum + term.weighted, 0), terms };
}

export function passesAll(usage: ClusterUsage, want: Want, host: number): boolean {
  for (const filter of filters) {
    if (filter.applies(usage, want) && !filter.passes(usage, want, host)) return false;
  }
  return true;
}

/** Every failed check of one host; empty when it would take the VM. */
export function refusalsOf(usage: ClusterUsage, want: Want, host: number): readonly Refusal[] {
  return filters.flatMap((filter) =>
    filter.applies(usage, want) && !filter.passes(usage, want, host)
      ? filter.refuse(usage, want, host)
      : [],
  );
}

export function refusalsOfAll(usage: ClusterUsage, want: Want): readonly HostRefusals[] {
  const found = usage.hosts.map(({ id, name }) => ({
    hostId: id,
    hostName: name,
    refusals: [] as Refusal[],
  }));
  for (const filter of filters) {
    if (!filter.applies(usage, want)) continue;
    for (let host = 0; host < found.length; host++) {
      if (filter.passes(usage, want, host)) continue;
      found[host]?.refusals.push(...filter.refuse(usage, want, host));
    }
  }
  return found;
}

export function countByCheck(refusals: readonly HostRefusals[]): readonly CheckCount[] {
  const counts = new Map<CheckName, number>();
  for (const host of refusals) {
    let last: CheckName | undefined;
    for (const { check } of host.refusals) {
      // Refusals of one check stand together.
      if (check !== last) counts.set(check, (counts.get(check) ?? 0) + 1);
      last = check;
    }
  }
  return [...counts]
    .map(([check, hosts]) => ({ check, hosts }))
    .sort((a, b) => b.hosts - a.hosts || (a.check < b.check ? -1 : 1));
}

export const weightsFrom = (overrides: Partial<Weights> | undefined): Weights =>
  overrides === undefined ? DEFAULT_WEIGHTS : { ...DEFAULT_WEIGHTS, ...overrides };
