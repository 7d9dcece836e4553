/** One operation, from where it is to its end. See `operation-runner.ts`, its only caller. */
import {
  commandIdOf,
  detailOf,
  errorFrom,
  isEnded,
  MusterError,
  type CommandId,
  type CommandProgress,
  type CommandResult,
  type ErrorDetail,
  type HostId,
  type MigrationStats,
  type OperationId,
  type OperationRecord,
  type StepRecord,
} from "@muster/model";
import type { Clock, Log, Random } from "@muster/runtime";
import type { EventLog } from "../events/event-log.ts";
import { put, type Ledger, type RecordChange } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import type { Observations } from "../observations/observations.ts";
import type { Snapshots } from "../planning/snapshot-keeper.ts";
import type { Questions } from "../plans/questions.ts";
import type { Commands } from "../sessions/commands.ts";
import type { Budgets, Need } from "./budgets.ts";
import type { LiveProgress } from "./live-operations.ts";
import type { OperationRegistry } from "./operation-registry.ts";
import type { OperationRunner } from "./operation-runner.ts";
import {
  failureOf,
  firstUnfinished,
  isPastReturn,
  lastToUndo,
  move,
  withStep,
} from "./operation-state.ts";
import {
  COMMAND_LIMIT_MS,
  OFFLINE_LIMIT_MS,
  type OperationType,
  type Outcome,
  type StepContext,
  type StepDefinition,
} from "./operation-type.ts";
import { untilStopped } from "./until-stopped.ts";

export interface RunnerParts {
  readonly ledger: Ledger;
  readonly observations: Observations;
  readonly snapshots: Snapshots;
  readonly questions: Questions;
  readonly commands: Commands;
  readonly events: EventLog;
  readonly registry: OperationRegistry;
  readonly budgets: Budgets;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Aborts when the coordinator stops; nothing is recorded from then on. */
  readonly stopping: AbortSignal;
  readonly submit: OperationRunner["submit"];
  report(operationId: OperationId, live: LiveProgress): void;
  changed(operationId: OperationId): void;
}

/** Tries of one undo before the operation ends with what is left said in its error. */
const UNDO_TRIES_MAX = 5;
const UNDO_RETRY_MS = 2_000;

/** Tries of a step after the point of no return: forward is the only way, but not for ever. */
const FORWARD_TRIES_MAX = 60;
const FORWARD_RETRY_MS = 5_000;

export async function runSteps(
  parts: RunnerParts,
  id: OperationId,
  cancelled: AbortSignal,
): Promise<void> {
  const driver = new Driver(parts, id, cancelled);
  await driver.run();
}

class Driver {
  readonly #parts: RunnerParts;
  readonly #id: OperationId;
  readonly #cancelled: AbortSignal;
  readonly #type: OperationType<unknown>;
  readonly #steps: readonly StepDefinition<unknown>[];

  constructor(parts: RunnerParts, id: OperationId, cancelled: AbortSignal) {
    this.#parts = parts;
    this.#id = id;
    this.#cancelled = cancelled;
    const operation = this.#operation();
    this.#type = parts.registry.get(operation.type);
    this.#steps = this.#type.steps(operation.parameters);
  }

  async run(): Promise<void> {
    if (this.#operation().state !== "queued") this.#parts.budgets.hold(this.#id, this.#needs());
    while (!isEnded(this.#operation().state)) {
      this.#parts.stopping.throwIfAborted();
      const { state } = this.#operation();
      if (state === "queued") await this.#begin();
      else if (state === "running") await this.#forward();
      else await this.#backward();
    }
  }

  #operation(): OperationRecord {
    const operation = this.#parts.ledger.view.operations.get(this.#id);
    if (operation === undefined) throw new MusterError("internal", `operation ${this.#id} is gone`);
    return operation;
  }

  async #record(
    change: (operation: OperationRecord, view: LedgerView) => OperationRecord,
    also: (operation: OperationRecord, view: LedgerView) => readonly RecordChange[] = () => [],
  ): Promise<void> {
    this.#parts.stopping.throwIfAborted();
    await this.#parts.ledger.transact((view) => {
      const before = view.operations.get(this.#id);
      if (before === undefined) throw new MusterError("internal", `operation ${this.#id} is gone`);
      const after = change(before, view);
      return { changes: [put("operation", after), ...also(after, view)], result: undefined };
    });
    this.#parts.changed(this.#id);
    this.#parts.commands.acknowledgeUnwanted();
  }

  async #begin(): Promise<void> {
    if (this.#cancelled.aborted) return this.#end("cancelled");
    if (!(await this.#itsTurn())) return this.#end("cancelled");
    await this.#record((operation) => move(operation, "running"));
    this.#tell("operation-started", "started");
  }

  /** Waits until the budgets have room; false: it was cancelled meanwhile. */
  async #itsTurn(): Promise<boolean> {
    const { budgets, stopping } = this.#parts;
    const entered = budgets.enter(this.#id, this.#needs(), this.#cancelled);
    this.#parts.changed(this.#id);
    try {
      await untilStopped(entered, stopping);
      return true;
    } catch (error) {
      stopping.throwIfAborted();
      if (this.#cancelled.aborted) return false;
      throw error;
    }
  }

  #needs(): readonly Need[] {
    const { ledger, observations } = this.#parts;
    const { parameters } = this.#operation();
    return this.#type.needs?.({ view: ledger.view, observations }, parameters) ?? [];
  }

  async #forward(): Promise<void> {
    const operation = this.#operation();
    const index = firstUnfinished(operation);
    if (index === -1) return this.#end("succeeded");
    const mustFinish = isPastReturn(operation, this.#steps);
    if (this.#cancelled.aborted && !mustFinish) return this.#turnBack();
    const definition = this.#steps[index];
    if (definition === undefined)
      throw new MusterError("internal", "an operation has more steps than its type");
    await this.#beginStep(index, definition);
    const outcome = await this.#try(index, definition.run.bind(definition), mustFinish);
    if (outcome.error === undefined) await this.#stepDone(index);
    else if (mustFinish) await this.#retryForward(index, outcome.error);
    else await this.#stepFailed(index, outcome.error);
    for (const { hostId, commandId } of outcome.commands)
      this.#parts.commands.acknowledge(hostId, commandId);
  }

  async #beginStep(index: number, definition: StepDefinition<unknown>): Promise<void> {
    // A step that was running when we last stopped goes on with the same attempt: the same commands.
    if (this.#operation().steps[index]?.state === "running") return;
    await this.#record((operation, view) => {
      const host = definition.host?.(view, operation.parameters);
      const attempt = (operation.steps[index]?.attempt ?? 0) + 1;
      const startedAt = operation.steps[index]?.startedAt ?? this.#wall();
      return withStep(operation, index, {
        state: "running",
        attempt,
        startedAt,
        ...(host === undefined ? {} : { host }),
      });
    });
  }

  async #stepDone(index: number): Promise<void> {
    await this.#record((operation) => {
      const done = withStep(operation, index, { state: "done", endedAt: this.#wall() });
      const migration = this.#lastMigration ?? operation.migration;
      return migration === undefined ? done : { ...done, migration };
    });
  }

  async #stepFailed(index: number, error: ErrorDetail): Promise<void> {
    const wasCancelled = error.code === "cancelled" && this.#cancelled.aborted;
    if (this.#steps.slice(0, index + 1).every((step) => step.undo === undefined)) {
      await this.#record((operation) =>
        withStep(operation, index, {
          state: "failed",
          endedAt: this.#wall(),
          ...(wasCancelled ? {} : { error }),
        }),
      );
      return this.#end(wasCancelled ? "cancelled" : "failed");
    }
    await this.#record((operation) => {
      const failed = withStep(operation, index, {
        state: "failed",
        endedAt: this.#wall(),
        ...(wasCancelled ? {} : { error }),
      });
      return move(failed, "undoing");
    });
    this.#tell(
      "operation-undoing",
      wasCancelled ? "cancelled, undoing" : `failed, undoing: ${oneLine(error)}`,
    );
  }

  async #turnBack(): Promise<void> {
    await this.#record((operation) => move(operation, "undoing"));
    this.#tell("operation-undoing", "cancelled, undoing");
  }

  async #retryForward(index: number, error: ErrorDetail): Promise<void> {
    const attempt = this.#operation().steps[index]?.attempt ?? 0;
    if (attempt >= FORWARD_TRIES_MAX) {
      await this.#record((operation) =>
        withStep(operation, index, { state: "failed", endedAt: this.#wall(), error }),
      );
      return this.#end("failed");
    }
    this.#parts.report(this.#id, { phase: `trying again: ${oneLine(error)}` });
    await this.#parts.clock.sleep(FORWARD_RETRY_MS, this.#parts.stopping);
    await this.#record((operation) => withStep(operation, index, { state: "waiting" }));
  }

  async #backward(): Promise<void> {
    const operation = this.#operation();
    const index = lastToUndo(operation);
    if (index === -1) return this.#end(failureOf(operation) === undefined ? "cancelled" : "failed");
    const undo = this.#steps[index]?.undo?.bind(this.#steps[index]);
    if (undo === undefined) {
      return this.#record((before) => withStep(before, index, { state: "undone" }));
    }
    for (let tries = 1; ; tries += 1) {
      await this.#record((before) =>
        withStep(before, index, { attempt: (before.steps[index]?.attempt ?? 0) + 1 }),
      );
      const { error, commands } = await this.#try(index, undo, true);
      if (error === undefined) {
        await this.#record((before) => withStep(before, index, { state: "undone" }));
      }
      for (const { hostId, commandId } of commands)
        this.#parts.commands.acknowledge(hostId, commandId);
      if (error === undefined) return;
      if (tries >= UNDO_TRIES_MAX) return this.#giveUpUndo(index, error);
      await this.#parts.clock.sleep(UNDO_RETRY_MS * tries, this.#parts.stopping);
    }
  }

  /** What could not be undone stays in the ledger, where people see it and can remove it. */
  async #giveUpUndo(index: number, error: ErrorDetail): Promise<void> {
    const name = this.#operation().steps[index]?.name ?? "";
    const first = failureOf(this.#operation());
    const combined: ErrorDetail = {
      ...(first ?? error),
      reasons: [...(first?.reasons ?? []), `undoing ${name} failed: ${oneLine(error)}`],
      hint: "what the operation made is still there: remove it with a new operation once the host is well",
    };
    await this.#record((before) => withStep(before, index, { state: "failed", error: combined }));
    await this.#end("failed");
  }

  async #end(outcome: Outcome): Promise<void> {
    await this.#record(
      (operation) => {
        const error = outcome === "failed" ? failureOf(operation) : undefined;
        const ended = { ...operation, state: outcome, endedAt: this.#wall() };
        return error === undefined ? ended : { ...ended, error };
      },
      (operation, view) => this.#type.ended(view, operation, outcome),
    );
    const error = this.#operation().error;
    this.#tell(`operation-${outcome}`, error === undefined ? outcome : `failed: ${oneLine(error)}`);
  }

  #lastMigration: MigrationStats | undefined;

  async #try(
    index: number,
    act: (context: StepContext<unknown>) => Promise<void>,
    uncancellable: boolean,
  ): Promise<{ readonly error?: ErrorDetail; readonly commands: readonly SentCommand[] }> {
    const commands: SentCommand[] = [];
    const never = new AbortController().signal;
    const signal = uncancellable ? never : this.#cancelled;
    try {
      await act(this.#context(index, signal, commands));
      return { commands };
    } catch (error) {
      this.#parts.stopping.throwIfAborted();
      return { error: detailOf(error), commands };
    }
  }

  #context(index: number, signal: AbortSignal, sent: SentCommand[]): StepContext<unknown> {
    const { ledger, observations, snapshots, questions, clock, random, commands } = this.#parts;
    const { stopping, submit } = this.#parts;
    const operation = this.#operation();
    const step = operation.steps[index];
    if (step === undefined) throw new MusterError("internal", "an operation lost a step");
    const progress = (update: CommandProgress): void => {
      const migration = update.migration;
      this.#parts.report(this.#id, {
        phase: update.phase,
        ...(migration === undefined ? {} : { migration }),
      });
    };
    return {
      operation,
      parameters: operation.parameters,
      ledger,
      observations,
      snapshots,
      questions,
      ...{ clock, random },
      signal,
      stopping,
      submit,
      phase: (phase) => {
        this.#parts.report(this.#id, { phase });
      },
      progress,
      command: async (hostId, action, request = {}) => {
        const commandId = commandIdOf(this.#id, commandName(step, request.suffix), step.attempt);
        sent.push({ hostId, commandId });
        const limitMs = request.limitMs ?? COMMAND_LIMIT_MS;
        const ended = commands.execute(
          hostId,
          { kind: "command", commandId, timeoutMs: limitMs, action },
          {
            ...{ signal, stopping },
            onProgress: progress,
            limitMs,
            offlineLimitMs: request.offlineLimitMs ?? OFFLINE_LIMIT_MS,
          },
        );
        return this.#check(await untilStopped(ended, stopping));
      },
    };
  }

  #check(result: CommandResult): CommandResult {
    if (result.migration !== undefined) this.#lastMigration = result.migration;
    if (result.error !== undefined) throw errorFrom(result.error);
    return result;
  }

  #wall(): string {
    return this.#parts.clock.wall().toISOString();
  }

  #tell(kind: string, message: string): void {
    const operation = this.#operation();
    const fields = { operationId: this.#id, type: operation.type, subject: operation.subject };
    this.#parts.log.info({ ...fields, why: message }, "operation changed");
    const text = `${this.#type.verb} ${message}`;
    this.#parts.events.record({
      kind,
      subject: operation.subject,
      message: text,
      operationId: this.#id,
    });
  }
}

interface SentCommand {
  readonly hostId: HostId;
  readonly commandId: CommandId;
}

const commandName = (step: StepRecord, suffix: string | undefined): string =>
  suffix === undefined ? step.name : `${step.name}-${suffix}`;

const oneLine = (error: ErrorDetail): string =>
  error.cause === "" ? error.message : `${error.message}: ${error.cause}`;
