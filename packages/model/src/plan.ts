/** A plan as it is kept: moves that were computed from a snapshot, judged by people or policy, then run. */
import type { HostId, OperationId, PlanId, VmId } from "./ids.ts";

export type PlanState =
  | "proposed"
  | "approved"
  | "running"
  | "verified"
  | "failed"
  | "cancelled"
  | "superseded"
  | "expired";

export const planMoves = {
  proposed: ["approved", "running", "cancelled", "superseded", "expired"],
  approved: ["running", "cancelled", "superseded", "expired"],
  running: ["verified", "failed", "cancelled"],
  verified: [],
  failed: [],
  cancelled: [],
  superseded: [],
  expired: [],
} as const satisfies Record<PlanState, readonly PlanState[]>;

export const canMovePlan = (from: PlanState, to: PlanState): boolean =>
  planMoves[from].some((legal) => legal === to);

export const isPlanOver = (state: PlanState): boolean => planMoves[state].length === 0;

export const planKinds = ["rebalance", "consolidate", "drain", "return-home", "rolling"] as const;
export type PlanKind = (typeof planKinds)[number];

export interface KeptMove {
  /** From 1; every move of a wave may start once all earlier waves are done. */
  readonly wave: number;
  readonly vmId: VmId;
  readonly vmName: string;
  readonly fromId: HostId;
  readonly toId: HostId;
  readonly isHop: boolean;
  readonly memoryMiB: number;
  readonly volumesMiB: number;
  readonly seconds: number;
  readonly downtimeMs: number;
  readonly converges: boolean;
}

export interface PlanRecord {
  readonly id: PlanId;
  readonly kind: PlanKind;
  readonly state: PlanState;
  /** What it is about, in a few words: "h1, h2". */
  readonly about: string;
  /** The hosts asked about; cordoned when a drain or a rolling group is run. */
  readonly hostIds: readonly HostId[];
  readonly snapshotHash: string;
  /** Absent for plans that are not about evenness. Lower is better. */
  readonly scoreBefore?: number;
  readonly scoreAfter?: number;
  readonly moves: readonly KeptMove[];
  /** All waves one after the other. */
  readonly seconds: number;
  /** What cannot move, a line each. */
  readonly stuck: readonly string[];
  readonly createdAt: string;
  readonly createdBy: string;
  readonly expiresAt: string;
  readonly approvedBy?: string;
  readonly operationId?: OperationId;
  readonly endedAt?: string;
  /** What became of it, a line each. */
  readonly outcome: readonly string[];
  /** Times the rest was planned anew because the cluster had changed. */
  readonly replans: number;
}
