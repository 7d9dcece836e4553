import type { CheckName, Refusal } from "./refusal.ts";
import type { ScorerName, Weights } from "./scorer.ts";

/** What was asked, for explanations. */
export interface Asked {
  readonly vmId: string;
  readonly vmName: string;
  readonly cpus: number;
  readonly memoryMiB: number;
}

export type PlaceAnswer = Placement | NoPlacement;

export interface Placement {
  readonly ok: true;
  readonly snapshotVersion: number;
  readonly asked: Asked;
  readonly hostId: string;
  readonly hostName: string;
  /** The weighted sum of `terms`; lower is better. */
  readonly score: number;
  readonly terms: readonly ScoreTerm[];
  readonly runnerUp: Candidate | null;
  /** How much better the choice is than the runner-up; null when nothing else was possible. */
  readonly margin: number | null;
  /** Hosts looked at: all of them, always. */
  readonly examined: number;
  readonly feasible: number;
  /** How many hosts each check was the first to refuse. */
  readonly refusedByCheck: readonly CheckCount[];
}

export interface NoPlacement {
  readonly ok: false;
  readonly snapshotVersion: number;
  readonly asked: Asked;
  readonly examined: number;
  /** Every failed check of every host, in the order of the hosts' ids. */
  readonly refusals: readonly HostRefusals[];
  /** On how many hosts each check failed, most frequent first; a host counts for each check it fails. */
  readonly refusedByCheck: readonly CheckCount[];
}

export interface Candidate {
  readonly hostId: string;
  readonly hostName: string;
  readonly score: number;
  readonly terms: readonly ScoreTerm[];
}

export interface ScoreTerm {
  readonly name: ScorerName;
  readonly weight: number;
  readonly value: number;
  readonly weighted: number;
}

export interface HostRefusals {
  readonly hostId: string;
  readonly hostName: string;
  readonly refusals: readonly Refusal[];
}

export interface CheckCount {
  readonly check: CheckName;
  readonly hosts: number;
}

export interface PlaceOptions {
  /** Overrides of {@link import("./scorer.ts").DEFAULT_WEIGHTS}. */
  readonly weights?: Partial<Weights>;
}
