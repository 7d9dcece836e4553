/**
 * Drives operations from where they are to their end, also after a restart. It records every state before it acts
 * on it, so a crash at any moment repeats at most one idempotent step (S4).
 */
import {
  detailOf,
  isEnded,
  MusterError,
  operationIdFrom,
  type ErrorDetail,
  type MigrationStats,
  type OperationId,
  type OperationRecord,
} from "@muster/model";
import type { Clock, Log, Random } from "@muster/runtime";
import type { EventLog } from "../events/event-log.ts";
import { put, type Decision, type Ledger, type RecordChange } from "../ledger/ledger.ts";
import { findOperation, type LedgerView } from "../ledger/view.ts";
import type { Observations } from "../observations/observations.ts";
import type { Snapshots } from "../planning/snapshot-keeper.ts";
import type { Questions } from "../plans/questions.ts";
import type { Commands } from "../sessions/commands.ts";
import { Budgets, type Waiting } from "./budgets.ts";
import { runSteps, type RunnerParts } from "./drive.ts";
import { LiveOperations } from "./live-operations.ts";
import type { OperationRegistry } from "./operation-registry.ts";
import { isPastReturn } from "./operation-state.ts";

export interface NewOperation<Parameters> {
  readonly type: string;
  readonly subject: string;
  readonly parameters: Parameters;
  readonly reason: string;
  readonly requestedBy: string;
  readonly requestId: string;
  readonly explanation: readonly string[];
}

/** What tells a repeat from a new request. */
export interface OperationRequest {
  /** Empty: never a repeat. */
  readonly requestId: string;
  readonly type: string;
}

/** What a decision to start an operation gives: the operation, and what is claimed in the same step. */
export interface Accepted<Parameters> {
  readonly operation: NewOperation<Parameters>;
  readonly changes: (operationId: OperationId) => readonly RecordChange[];
}

/** An operation and what is only known while it runs. */
export interface OperationView {
  readonly record: OperationRecord;
  readonly phase: string;
  readonly migration?: MigrationStats;
  /** Present while it waits for its turn. */
  readonly waiting?: Waiting;
  /** It can only go forward: who cancels now lets it finish. */
  readonly isPastReturn: boolean;
  readonly stillMs: number;
}

interface Active {
  readonly cancel: AbortController;
  readonly done: Promise<void>;
}

/** Pause before an operation is driven again whose driving broke, doubled each time: a full disk is not emptied at once. */
const DRIVE_AGAIN_MIN_MS = 1_000;
const DRIVE_AGAIN_MAX_MS = 60_000;

export class OperationRunner {
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #registry: OperationRegistry;
  readonly #parts: RunnerParts;
  readonly #active = new Map<OperationId, Active>();
  readonly #live: LiveOperations;
  readonly #budgets = new Budgets();
  readonly #detached: <Result>(work: () => Result) => Result;
  readonly #watchers = new Set<(operationId: OperationId) => void>();
  readonly #stopping = new AbortController();
  readonly #events: EventLog;

  constructor(parts: {
    readonly ledger: Ledger;
    readonly observations: Observations;
    readonly snapshots: Snapshots;
    readonly questions: Questions;
    readonly commands: Commands;
    readonly events: EventLog;
    readonly registry: OperationRegistry;
    readonly clock: Clock;
    readonly random: Random;
    readonly log: Log;
    /** What an operation does is not its caller's doing any more. */
    readonly detached?: <Result>(work: () => Result) => Result;
  }) {
    this.#ledger = parts.ledger;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#registry = parts.registry;
    this.#events = parts.events;
    this.#live = new LiveOperations(parts.clock);
    this.#detached = parts.detached ?? ((work) => work());
    this.#parts = {
      ...parts,
      budgets: this.#budgets,
      stopping: this.#stopping.signal,
      submit: this.submit.bind(this),
      report: (operationId, live) => {
        this.#live.report(operationId, live);
        this.#tell(operationId);
      },
      changed: (operationId) => {
        this.#live.moved(operationId);
        this.#tell(operationId);
      },
    };
  }

  /** Goes on with every operation that has not ended. */
  resume(): void {
    const open = [...this.#ledger.view.operations.values()].filter(({ state }) => !isEnded(state));
    // What is under way takes its share of the budgets before anybody new does.
    const isWaiting = (operation: OperationRecord): boolean => operation.state === "queued";
    for (const operation of open) if (!isWaiting(operation)) this.#drive(operation.id);
    for (const operation of open) if (isWaiting(operation)) this.#drive(operation.id);
  }

  /**
   * Decides and accepts in one step of the ledger. A repeat with the same request id gives the operation that the
   * first one made.
   */
  async submit<Parameters>(
    request: OperationRequest,
    decide: (view: LedgerView) => Accepted<Parameters>,
  ): Promise<OperationRecord> {
    const operation = await this.#ledger.transact((view): Decision<OperationRecord> => {
      const { requestId } = request;
      const earlier = requestId === "" ? undefined : findByRequest(view, requestId);
      if (earlier !== undefined) return { changes: [], result: sameRequest(earlier, request) };
      return this.#accept(view, decide(view));
    });
    if (!isEnded(operation.state)) this.#drive(operation.id);
    return operation;
  }

  async cancel(idOrPrefix: string): Promise<OperationRecord> {
    const operation = await this.#ledger.transact((view) => {
      const found = findOperation(view, idOrPrefix);
      if (isEnded(found.state)) {
        throw new MusterError("wrong-state", `operation ${found.id} has already ${found.state}`);
      }
      const changed = { ...found, cancelRequested: true };
      return { changes: [put("operation", changed)], result: changed };
    });
    this.#active
      .get(operation.id)
      ?.cancel.abort(new MusterError("cancelled", "somebody cancelled the operation"));
    this.#tell(operation.id);
    return operation;
  }

  viewOf(record: OperationRecord): OperationView {
    const live = this.#live.of(record.id);
    const migration = live?.migration ?? record.migration;
    const phase = live?.phase ?? "";
    const waiting = this.#budgets.waitingOf(record.id);
    return {
      record,
      phase,
      ...(migration === undefined ? {} : { migration }),
      ...(waiting === undefined ? {} : { waiting }),
      isPastReturn: this.#isPastReturn(record),
      stillMs: this.stillMs(record.id),
    };
  }

  #isPastReturn(record: OperationRecord): boolean {
    if (isEnded(record.state)) return false;
    return isPastReturn(record, this.#registry.get(record.type).steps(record.parameters));
  }

  /** How long nothing has moved in it. */
  stillMs(id: OperationId): number {
    return this.#live.stillMs(id);
  }

  get activeCount(): number {
    return this.#active.size;
  }

  /** `listener` is called with the id of every operation that changed. */
  listen(listener: (operationId: OperationId) => void): () => void {
    this.#watchers.add(listener);
    return () => {
      this.#watchers.delete(listener);
    };
  }

  /** Stops driving; what is under way goes on after the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort(new MusterError("interrupted", "the coordinator stops"));
    await Promise.all([...this.#active.values()].map((active) => active.done));
  }

  #accept<Parameters>(view: LedgerView, accepted: Accepted<Parameters>): Decision<OperationRecord> {
    const number = view.cluster.operationCount + 1;
    const id = operationIdFrom(number);
    const { operation } = accepted;
    const steps = this.#registry.get(operation.type).steps(operation.parameters);
    const record: OperationRecord = {
      ...operation,
      id,
      state: "queued",
      steps: steps.map((step) => ({ name: step.name, state: "waiting", attempt: 0 })),
      createdAt: this.#clock.wall().toISOString(),
      cancelRequested: false,
    };
    const own = [
      put("operation", record),
      put("cluster", { ...view.cluster, operationCount: number }),
    ];
    const others = accepted.changes(id);
    const cluster = others.find((change) => change.kind === "cluster");
    // The acceptance may itself count in the cluster record (MAC addresses): one record, one change.
    const merged = cluster === undefined ? own : [put("operation", record)];
    const changes = others.map((change) =>
      change.kind === "cluster"
        ? put("cluster", { ...change.value, operationCount: number })
        : change,
    );
    return { changes: [...merged, ...changes], result: record };
  }

  #drive(id: OperationId): void {
    if (this.#active.has(id)) return;
    const cancel = new AbortController();
    if (this.#ledger.view.operations.get(id)?.cancelRequested === true) {
      cancel.abort(new MusterError("cancelled", "somebody cancelled the operation"));
    }
    const done = this.#detached(() => this.#driveToEnd(id, cancel.signal)).finally(() => {
      this.#active.delete(id);
      this.#live.forget(id);
      this.#budgets.leave(id);
      this.#tell(id);
    });
    this.#active.set(id, { cancel, done });
  }

  /** What breaks the driving itself, such as a full disk, may pass: nothing is lost, so it is tried again. */
  async #driveToEnd(id: OperationId, cancelled: AbortSignal): Promise<void> {
    const stopping = this.#stopping.signal;
    for (let pauseMs = DRIVE_AGAIN_MIN_MS; ; pauseMs = Math.min(2 * pauseMs, DRIVE_AGAIN_MAX_MS)) {
      try {
        return await runSteps(this.#parts, id, cancelled);
      } catch (error) {
        if (stopping.aborted || !this.#ledger.view.operations.has(id)) return;
        this.#cannotGoOn(id, error);
      }
      try {
        await this.#clock.sleep(pauseMs, stopping);
      } catch {
        // The coordinator stops; its next start goes on.
        return;
      }
    }
  }

  #cannotGoOn(id: OperationId, error: unknown): void {
    this.#log.error({ operationId: id, err: error }, "driving an operation failed");
    this.#events.record({
      kind: "operation-stuck",
      subject: `operation/${id}`,
      message: `muster cannot go on with it and will try again: ${detailText(detailOf(error))}`,
      operationId: id,
    });
  }

  #tell(operationId: OperationId): void {
    for (const watcher of this.#watchers) watcher(operationId);
  }
}

function detailText(detail: ErrorDetail): string {
  return detail.cause === "" ? detail.message : `${detail.message}: ${detail.cause}`;
}

function findByRequest(view: LedgerView, requestId: string): OperationRecord | undefined {
  // Newest last, and a retry comes soon after: look from the end.
  return [...view.operations.values()].findLast((operation) => operation.requestId === requestId);
}

function sameRequest(earlier: OperationRecord, request: OperationRequest): OperationRecord {
  if (earlier.type === request.type) return earlier;
  const message = `request id ${request.requestId} already belongs to ${earlier.id} (${earlier.type})`;
  throw new MusterError("invalid", `request_id: ${message}`, {
    hint: "give every request an id of its own",
  });
}
