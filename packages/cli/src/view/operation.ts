/** Operations and events as the CLI shows them. Field names are those of `-o json`: a contract with scripts. */
import type { Event, Explanation, Operation, Step } from "@muster/proto/admin";
import type { MigrationStats } from "@muster/proto/dispatch";
import type { ErrorDetail } from "@muster/proto/types";
import {
  operationStateWord,
  stepStateWord,
  type OperationStateWord,
  type StepStateWord,
} from "./words.ts";

export interface StepView {
  readonly name: string;
  readonly state: StepStateWord;
  /** Empty: none. */
  readonly host: string;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly phase: string;
  readonly durationMs: bigint;
  readonly error?: Readonly<ErrorDetail>;
}

export interface OperationView {
  readonly id: string;
  /** "vm-migrate". */
  readonly type: string;
  /** "vm/web-1". */
  readonly subject: string;
  readonly state: OperationStateWord;
  readonly steps: readonly StepView[];
  readonly reason: string;
  readonly requestedBy: string;
  readonly createdAt: string;
  readonly endedAt: string;
  readonly error?: Readonly<ErrorDetail>;
  readonly migration?: Readonly<MigrationStats>;
  readonly cancelRequested: boolean;
  readonly explanation: readonly string[];
  readonly revision: bigint;
  /** What it waits for while it is queued; empty: nothing. */
  readonly waitsFor: string;
  /** 1: the next; 0: it does not wait. */
  readonly queuePlace: number;
  /** It can only go forward. */
  readonly pastReturn: boolean;
  /** 0: it is not stuck. */
  readonly stuckForMs: bigint;
}

export interface EventView {
  readonly sequence: bigint;
  readonly at: string;
  readonly kind: string;
  readonly subject: string;
  readonly message: string;
  readonly host: string;
  readonly operationId: string;
}

export interface ExplanationView {
  readonly placed: boolean;
  readonly lines: readonly string[];
  /** The planner's answer as data; absent when the coordinator sent none. */
  readonly answer?: unknown;
}

function decodeStep(wire: Step): StepView {
  const { name, host, startedAt, endedAt, phase, durationMs } = wire;
  const state = stepStateWord(wire.state);
  const step = { name, state, host, startedAt, endedAt, phase, durationMs };
  return wire.error === undefined ? step : { ...step, error: wire.error };
}

export function decodeOperation(wire: Operation): OperationView {
  return {
    id: wire.id,
    type: wire.type,
    subject: wire.subject,
    state: operationStateWord(wire.state),
    steps: wire.steps.map(decodeStep),
    reason: wire.reason,
    requestedBy: wire.requestedBy,
    createdAt: wire.createdAt,
    endedAt: wire.endedAt,
    ...(wire.error === undefined ? {} : { error: wire.error }),
    ...(wire.migration === undefined ? {} : { migration: wire.migration }),
    cancelRequested: wire.cancelRequested,
    explanation: wire.explanation,
    revision: wire.revision,
    waitsFor: wire.waitsFor,
    queuePlace: wire.queuePlace,
    pastReturn: wire.pastReturn,
    stuckForMs: wire.stuckForMs,
  };
}

export function decodeEvent(wire: Event): EventView {
  const { sequence, at, kind, subject, message, host, operationId } = wire;
  return { sequence, at, kind, subject, message, host, operationId };
}

/** Throws a SyntaxError when the coordinator's JSON is not JSON. */
export function decodeExplanation(wire: Explanation): ExplanationView {
  const { placed, lines } = wire;
  if (wire.json === "") return { placed, lines };
  const answer: unknown = JSON.parse(wire.json);
  return { placed, lines, answer };
}
