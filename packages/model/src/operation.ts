/** An operation: long work a person asked for, as durable data. */
import type { ErrorDetail } from "./errors.ts";
import type { OperationId } from "./ids.ts";

export type OperationState =
  "queued" | "running" | "undoing" | "succeeded" | "failed" | "cancelled";

export type StepState = "waiting" | "running" | "done" | "failed" | "undone";

export const operationMoves = {
  queued: ["running", "cancelled"],
  running: ["succeeded", "undoing", "failed", "cancelled"],
  undoing: ["failed", "cancelled"],
  succeeded: [],
  failed: [],
  cancelled: [],
} as const satisfies Record<OperationState, readonly OperationState[]>;

export const canMoveOperation = (from: OperationState, to: OperationState): boolean =>
  operationMoves[from].some((legal) => legal === to);

export const isEnded = (state: OperationState): boolean => operationMoves[state].length === 0;

export interface StepRecord {
  readonly name: string;
  readonly state: StepState;
  /** Counts tries of this step; part of the command id, so a new try is a new command. */
  readonly attempt: number;
  /** Name of the host it works on. */
  readonly host?: string;
  /** RFC 3339. */
  readonly startedAt?: string;
  /** RFC 3339. */
  readonly endedAt?: string;
  readonly error?: ErrorDetail;
}

/** How far a migration is. */
export interface MigrationStats {
  readonly processedBytes: bigint;
  readonly remainingBytes: bigint;
  readonly totalBytes: bigint;
  readonly bytesPerSecond: bigint;
  readonly iteration: number;
  readonly dirtyBytesPerSecond: bigint;
  readonly downtimeMs: number;
  readonly elapsedMs: number;
}

/** `Parameters` belongs to the operation's type; see coordinator/operations. */
export interface OperationRecord<Parameters = unknown> {
  readonly id: OperationId;
  readonly type: string;
  /** "vm/web-1", "network/blue", "host/h1". */
  readonly subject: string;
  readonly state: OperationState;
  readonly steps: readonly StepRecord[];
  readonly parameters: Parameters;
  /** Why the person asked for it. */
  readonly reason: string;
  readonly requestedBy: string;
  /** Repeats with the same id are the same request; empty: none was given. */
  readonly requestId: string;
  /** RFC 3339. */
  readonly createdAt: string;
  /** RFC 3339. */
  readonly endedAt?: string;
  readonly error?: ErrorDetail;
  readonly cancelRequested: boolean;
  /** What the planner said when it was decided, one line each. */
  readonly explanation: readonly string[];
  readonly migration?: MigrationStats;
}
