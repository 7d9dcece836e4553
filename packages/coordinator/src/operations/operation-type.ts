/**
 * An operation type: a named list of steps with undos. The list is the documentation, the progress display, the
 * resume point and the test plan.
 */
import type {
  CommandAction,
  CommandProgress,
  CommandResult,
  HostId,
  OperationRecord,
} from "@muster/model";
import type { Clock, Random } from "@muster/runtime";
import type { Ledger, RecordChange } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import type { Observations } from "../observations/observations.ts";
import type { Snapshots } from "../planning/snapshot-keeper.ts";
import type { Questions } from "../plans/questions.ts";
import type { Need } from "./budgets.ts";
import type { OperationRunner } from "./operation-runner.ts";

export interface StepContext<Parameters> {
  readonly operation: OperationRecord<Parameters>;
  readonly parameters: Parameters;
  readonly ledger: Ledger;
  readonly observations: Observations;
  readonly snapshots: Snapshots;
  readonly questions: Questions;
  readonly clock: Clock;
  readonly random: Random;
  /** Aborts when the operation is cancelled while cancelling is still possible. */
  readonly signal: AbortSignal;
  /** Aborts when the coordinator stops: a step that waits for something else than a host has to wake up then. */
  readonly stopping: AbortSignal;
  /** Starts another operation, once for each request id, and does not wait for it. */
  readonly submit: OperationRunner["submit"];
  /** What the step does now, for people. */
  phase(text: string): void;
  progress(progress: CommandProgress): void;
  /**
   * Has a host do something, once, however often it or we restart. `suffix` tells the commands of one step apart.
   * A failure on the host is thrown as the MusterError the agent reported.
   */
  command(hostId: HostId, action: CommandAction, options?: CommandRequest): Promise<CommandResult>;
}

export interface CommandRequest {
  readonly suffix?: string;
  readonly limitMs?: number;
  readonly offlineLimitMs?: number;
}

export interface StepDefinition<Parameters> {
  readonly name: string;
  /** Name of the host the step works on, for people. */
  host?(view: LedgerView, parameters: Parameters): string | undefined;
  /** Idempotent: it may run again after a crash in its middle. */
  run(context: StepContext<Parameters>): Promise<void>;
  /** Idempotent, and fine with nothing to undo. Runs for a step that failed as well. */
  undo?(context: StepContext<Parameters>): Promise<void>;
  /** Once this step is done, the operation can only go forward: cancelling and failing no longer undo. */
  readonly pointOfNoReturn?: boolean;
}

export interface NeedSources {
  readonly view: LedgerView;
  readonly observations: Observations;
}

export type Outcome = "succeeded" | "failed" | "cancelled";

export interface OperationType<Parameters> {
  readonly name: string;
  /** For people: "create", "migrate". */
  readonly verb: string;
  readonly steps: (parameters: Parameters) => readonly StepDefinition<Parameters>[];
  /** What it takes of the budgets from its first step to its end. Absent: nothing. Pure. */
  needs?(sources: NeedSources, parameters: Parameters): readonly Need[];
  /**
   * What else changes in the ledger in the same transaction that ends the operation: claims become placements or
   * are released. Pure.
   */
  ended(
    view: LedgerView,
    operation: OperationRecord<Parameters>,
    outcome: Outcome,
  ): readonly RecordChange[];
}

/** Time a host may be away in the middle of an operation before the step fails: a reboot of an agent, not of a host. */
export const OFFLINE_LIMIT_MS = 60_000;

/** A command without a limit of its own. Longer than libvirt takes for anything but migration and stopping. */
export const COMMAND_LIMIT_MS = 120_000;
