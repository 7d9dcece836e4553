/** What goes to a question's thread and what comes back. Everything survives a structured clone. */
import { isMusterError, MusterError, type ErrorDetail } from "@muster/model";
import type { Snapshot } from "@muster/planner";
import type { PlanDraft } from "./plan-draft.ts";
import type { PlanQuestion } from "./plan-question.ts";
import type { PlanSection } from "./plan-report.ts";

export interface QuestionWork {
  readonly snapshot:
    | { readonly kind: "live"; readonly snapshot: Snapshot }
    /** `renderSnapshot`'s text, compressed with gzip. */
    | { readonly kind: "saved"; readonly gzip: Uint8Array };
  readonly question: PlanQuestion;
  readonly withinMs: number;
}

/** What a thread is started with; a live snapshot follows in {@link SnapshotPiece}s. */
export type ThreadWork = Omit<QuestionWork, "snapshot"> & {
  readonly snapshot:
    Exclude<QuestionWork["snapshot"], { kind: "live" }> | { readonly kind: "follows" };
};

/** A part of a snapshot on its way to a thread. */
export type SnapshotPiece =
  | { readonly kind: "hosts"; readonly parts: Snapshot["hosts"] }
  | { readonly kind: "vms"; readonly parts: Snapshot["vms"] }
  | { readonly kind: "claims"; readonly parts: Snapshot["claims"] }
  /** The last one: what is not about a single host or VM, and the hash of it all. */
  | {
      readonly kind: "whole";
      readonly whole: Omit<Snapshot, "hosts" | "vms" | "claims">;
      readonly hash: string;
    };

export interface AnsweredQuestion {
  readonly snapshotHash: string;
  readonly sections: readonly PlanSection[];
  /** The planner's answer as JSON. */
  readonly json: string;
  readonly outOfTime: boolean;
  readonly drafts: readonly PlanDraft[];
}

export type QuestionResult =
  | { readonly ok: true; readonly answered: AnsweredQuestion }
  | { readonly ok: false; readonly error: ErrorDetail };

/** Largest saved snapshot: 1,000 hosts and 20,000 VMs are 8 MiB. Larger ones would only be somebody's mistake. */
export const SNAPSHOT_BYTES_MAX = 16 * 1024 * 1024;

/** What a saved snapshot made the planner throw is the snapshot's fault, not ours. */
export function snapshotFault(cause: unknown): MusterError {
  if (isMusterError(cause)) return cause;
  return new MusterError("invalid", "the planner cannot work with this snapshot", {
    cause,
    hint: "take one with: muster plan snapshot > FILE",
  });
}
