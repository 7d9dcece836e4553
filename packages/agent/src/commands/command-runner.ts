/**
 * Carries out commands: journals before it acts, answers repeats from the journal, never lets two commands change one
 * VM at once. After a restart it goes on with what it had begun once the coordinator asks for it again.
 */
import {
  detailOf,
  MusterError,
  vmIdOf,
  type Command,
  type CommandId,
  type CommandKind,
  type CommandProgress,
  type CommandResult,
  type VmId,
} from "@muster/model";
import type { Log } from "@muster/runtime";
import type { Journal, JournalEntry } from "../journal/journal.ts";
import type { CommandContext, CommandParts } from "./command-context.ts";
import { carryOut, resume, type CommandOutcome } from "./carry-out.ts";
import { untilCancelled } from "./until-cancelled.ts";

export interface CommandRunnerParts extends CommandParts {
  readonly journal: Journal;
  readonly log: Log;
  /** Sends to the coordinator when it is connected; results are kept until it acknowledges them. */
  readonly send: (message: CommandProgress | CommandResult) => void;
  /** A command ended, well or not: its VM must be looked at again. libvirt has no event for a job that failed. */
  readonly ended: (vmId: VmId) => void;
}

export interface EndedCommands {
  readonly kind: CommandKind;
  readonly outcome: "succeeded" | "failed";
  readonly count: number;
}

/** Commands at once. Each is mostly waiting for libvirt; more than this and a broken coordinator is to blame. */
const COMMANDS_MAX = 512;

/** Pause before what the disk refused is written again, doubled each time. */
const RECORD_AGAIN_MIN_MS = 500;
const RECORD_AGAIN_MAX_MS = 10_000;

/**
 * The coordinator sends what it still wants as soon as the session is open, or, when it has just been started itself,
 * within seconds. What it has not asked for by then it has given up.
 */
const ASKED_AGAIN_LIMIT_MS = 30_000;

export class CommandRunner {
  readonly #parts: CommandRunnerParts;
  readonly #running = new Map<CommandId, AbortController>();
  readonly #ended = new Map<string, EndedCommands>();
  readonly #vmTails = new Map<VmId, Promise<void>>();
  /** Acknowledged while the disk refused to forget them. */
  readonly #unforgotten = new Set<CommandId>();
  /** Begun before the agent was restarted; nobody has asked for them since. */
  readonly #unasked = new Set<CommandId>();
  /** Changes whenever a session opens or closes. */
  #session = 0;

  constructor(parts: CommandRunnerParts) {
    this.#parts = parts;
  }

  /** Since the agent started, by kind and outcome. */
  get ended(): readonly EndedCommands[] {
    return [...this.#ended.values()];
  }

  get runningIds(): readonly CommandId[] {
    return [...this.#running.keys()];
  }

  /**
   * After a start: a migration is followed to its end, as libvirt goes on with it by itself. Everything else that the
   * journal says was begun waits to be asked for again: the host may have been away for long, and what was to be
   * started here may run elsewhere by now (S1).
   */
  resume(): void {
    for (const { command, result } of this.#parts.journal.entries()) {
      if (result !== undefined) continue;
      if (command.action.kind === "migrate-vm") this.#start(command, resume);
      else this.#unasked.add(command.commandId);
    }
  }

  receive(command: Command): void {
    if (this.#running.has(command.commandId)) return;
    this.#unasked.delete(command.commandId);
    const known = this.#parts.journal.find(command.commandId);
    if (known?.result !== undefined) return this.#parts.send(known.result);
    if (this.#running.size >= COMMANDS_MAX) {
      const message = `this host already works on ${String(COMMANDS_MAX)} commands`;
      return this.#parts.send(
        failed(command.commandId, new MusterError("limit-exceeded", message)),
      );
    }
    this.#start(command, known === undefined ? carryOut : resume, known);
  }

  cancel(commandId: CommandId): void {
    this.#running.get(commandId)?.abort(new MusterError("cancelled", "the command was cancelled"));
  }

  /** Results that were not acknowledged are sent once more. */
  sessionOpened(): void {
    for (const { result } of this.#parts.journal.entries()) {
      if (result !== undefined) this.#parts.send(result);
    }
    this.#session += 1;
    if (this.#unasked.size > 0) this.#giveUpLater(this.#session);
  }

  sessionClosed(): void {
    this.#session += 1;
  }

  #giveUpLater(session: number): void {
    const { clock, log } = this.#parts;
    const giveUp = async (): Promise<void> => {
      await clock.sleep(ASKED_AGAIN_LIMIT_MS);
      if (this.#session === session) await this.#giveUpUnasked();
    };
    giveUp().catch((error: unknown) => {
      log.error({ err: error }, "giving up what nobody asked for again broke");
    });
  }

  /** Says of what nobody asked for again that it was interrupted, without doing anything about it. */
  async #giveUpUnasked(): Promise<void> {
    const { journal, log, send } = this.#parts;
    const message = "the agent was restarted in the middle of it, and nobody asked for it again";
    for (const commandId of [...this.#unasked]) {
      this.#unasked.delete(commandId);
      if (journal.find(commandId) === undefined) continue;
      const result = failed(commandId, new MusterError("interrupted", message));
      await this.#finish(result);
      log.warn({ commandId, why: message }, "command given up");
      send(result);
    }
  }

  /**
   * The coordinator needs no result any more. One that has not ended was given up by it and is still ours to remember:
   * an agent that forgot what it is doing would not know it after a restart.
   */
  async acknowledge(commandId: CommandId): Promise<void> {
    if (this.#running.has(commandId) || this.#unforgotten.has(commandId)) return;
    if (this.#parts.journal.find(commandId) === undefined || (await this.#forget(commandId)))
      return;
    // A full disk may pass, and the coordinator says it once: no reason to end the session, nor to make it wait.
    this.#unforgotten.add(commandId);
    this.#forgetLater(commandId)
      .catch((error: unknown) => {
        this.#parts.log.error({ commandId, err: error }, "forgetting a command broke");
      })
      .finally(() => this.#unforgotten.delete(commandId));
  }

  async #forgetLater(commandId: CommandId): Promise<void> {
    let pauseMs = RECORD_AGAIN_MIN_MS;
    do {
      await this.#parts.clock.sleep(pauseMs);
      pauseMs = Math.min(2 * pauseMs, RECORD_AGAIN_MAX_MS);
    } while (!(await this.#forget(commandId)));
  }

  /** False: the disk refused it. */
  async #forget(commandId: CommandId): Promise<boolean> {
    const { journal, log } = this.#parts;
    try {
      await journal.forget(commandId);
      return true;
    } catch (error) {
      log.warn({ commandId, err: error }, "an acknowledged command could not be forgotten");
      return false;
    }
  }

  /** Resolves when nothing runs any more. */
  async idle(): Promise<void> {
    await Promise.all(this.#vmTails.values());
  }

  #start(command: Command, act: typeof carryOut, known?: JournalEntry): void {
    const cancel = new AbortController();
    this.#running.set(command.commandId, cancel);
    // A console changes nothing: people may look on while the VM is moved.
    const vmId = isDurable(command) ? vmIdOf(command.action) : undefined;
    const before = (vmId === undefined ? undefined : this.#vmTails.get(vmId)) ?? Promise.resolve();
    const journalled = known !== undefined || act === resume;
    const turn = before
      .then(() => this.#run(command, act, cancel, journalled))
      .catch((error: unknown) => {
        this.#parts.log.error(
          { commandId: command.commandId, err: error },
          "command could not be recorded",
        );
      })
      .finally(() => {
        this.#running.delete(command.commandId);
        if (vmId !== undefined && this.#vmTails.get(vmId) === turn) this.#vmTails.delete(vmId);
      });
    if (vmId !== undefined) this.#vmTails.set(vmId, turn);
  }

  async #run(
    command: Command,
    act: typeof carryOut,
    cancel: AbortController,
    journalled: boolean,
  ): Promise<void> {
    const { journal, log, send, ended } = this.#parts;
    const { commandId } = command;
    try {
      if (!journalled && isDurable(command)) await journal.begin(command);
    } catch (error) {
      return send(failed(commandId, error));
    }
    const result = await this.#outcome(command, act, cancel);
    this.#count(command.action.kind, result.error === undefined ? "succeeded" : "failed");
    const vmId = vmIdOf(command.action);
    const fields = { commandId, command: command.action.kind, vmId };
    if (result.error === undefined) log.info(fields, "command done");
    else
      log.warn(
        {
          ...fields,
          code: result.error.code,
          why: result.error.message,
          cause: result.error.cause,
        },
        "command failed",
      );
    if (isDurable(command)) await this.#finish(result);
    send(result);
    if (vmId !== undefined) ended(vmId);
  }

  /**
   * Said only once it is recorded: a command that counts as begun is taken up again after a restart, and by then somebody
   * may have decided something else. So a full disk holds the answer back until there is room.
   */
  async #finish(result: CommandResult): Promise<void> {
    const { journal, log, clock } = this.#parts;
    for (
      let pauseMs = RECORD_AGAIN_MIN_MS;
      ;
      pauseMs = Math.min(2 * pauseMs, RECORD_AGAIN_MAX_MS)
    ) {
      try {
        return await journal.finish(result);
      } catch (error) {
        log.error({ commandId: result.commandId, err: error }, "a result could not be recorded");
      }
      await clock.sleep(pauseMs);
    }
  }

  #count(kind: CommandKind, outcome: EndedCommands["outcome"]): void {
    const key = `${kind} ${outcome}`;
    this.#ended.set(key, { kind, outcome, count: (this.#ended.get(key)?.count ?? 0) + 1 });
  }

  async #outcome(
    command: Command,
    act: typeof carryOut,
    cancel: AbortController,
  ): Promise<CommandResult> {
    const { commandId, action } = command;
    const finished = new AbortController();
    const late = this.#watchTime(command, cancel, finished.signal);
    try {
      const outcome = await act(this.#context(commandId, cancel.signal), action);
      return await this.#succeeded(commandId, vmIdOf(action), outcome);
    } catch (error) {
      // What was cancelled says so, whatever words the hypervisor found for it.
      const reason: unknown = cancel.signal.aborted ? cancel.signal.reason : undefined;
      return failed(commandId, reason instanceof MusterError ? merged(reason, error) : error);
    } finally {
      finished.abort();
      await late;
    }
  }

  async #watchTime(
    command: Command,
    cancel: AbortController,
    finished: AbortSignal,
  ): Promise<void> {
    if (command.timeoutMs === 0) return;
    try {
      await this.#parts.clock.sleep(command.timeoutMs, finished);
      const seconds = String(Math.round(command.timeoutMs / 1000));
      cancel.abort(new MusterError("timeout", `not done within ${seconds} s`));
    } catch (error) {
      if (!finished.aborted) throw error;
    }
  }

  #context(commandId: CommandId, signal: AbortSignal): CommandContext {
    const { send, journal: _journal, ended: _ended, log, ...parts } = this.#parts;
    return {
      ...parts,
      hypervisor: untilCancelled(parts.hypervisor, signal),
      commandId,
      signal,
      background: (what, work) => {
        work.catch((error: unknown) => {
          log.warn({ commandId, what, err: error }, "background work ended badly");
        });
      },
      onProgress: (progress) => {
        send({ kind: "progress", commandId, ...progress });
      },
    };
  }

  async #succeeded(
    commandId: CommandId,
    vmId: VmId | undefined,
    outcome: CommandOutcome,
  ): Promise<CommandResult> {
    const vm = vmId === undefined ? undefined : await this.#parts.hypervisor.watch.observe(vmId);
    return { kind: "result", commandId, ...outcome, ...(vm === undefined ? {} : { vm }) };
  }
}

/**
 * Opening a console changes nothing, and its stream would not survive us anyway. Nor is what hosts do for others
 * written down: it is harmless when repeated, and the parameters of a fence agent are secrets. An offer ends with the
 * process that would have to keep it.
 */
const isDurable = ({ action }: Command): boolean =>
  action.kind !== "open-console" &&
  action.kind !== "offer-image" &&
  action.kind !== "run-fence" &&
  action.kind !== "read-storage-heartbeat";

function failed(commandId: CommandId, error: unknown): CommandResult {
  return { kind: "result", commandId, error: detailOf(error) };
}

function merged(reason: MusterError, error: unknown): MusterError {
  if (error === reason) return reason;
  return new MusterError(reason.code, reason.message, { cause: error });
}
