/**
 * Commands on their way. A command is sent when its host connects, sent again whenever the host reconnects, and
 * ends with the agent's result, however often the link breaks in between: the agent answers repeats from its journal.
 * The result is acknowledged only after the caller has recorded it, so that a crash in between loses nothing (S4).
 */
import {
  detailOf,
  errorFrom,
  MusterError,
  type Command,
  type CommandId,
  type CommandProgress,
  type CommandResult,
  type CoordinatorMessage,
  type HostId,
} from "@muster/model";
import type { Clock } from "@muster/runtime";

export interface CommandOptions {
  /** Aborting asks the agent to stop; the result is still waited for. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: CommandProgress) => void;
  /** How long the host may stay away before the command is given up. */
  readonly offlineLimitMs: number;
  /** How long the command may take in all, from the moment it was first asked for. */
  readonly limitMs: number;
  /** Aborts when the coordinator stops: nobody waits any longer, and the host goes on undisturbed. */
  readonly stopping?: AbortSignal;
}

interface Pending {
  readonly hostId: HostId;
  readonly command: Command;
  readonly onProgress: (progress: CommandProgress) => void;
  readonly settle: (outcome: CommandResult | MusterError) => void;
  /** Asked to stop: by a person, or by the clock. */
  cancelled: boolean;
}

interface EarlyResult {
  readonly hostId: HostId;
  readonly result: CommandResult;
}

export type Send = (message: CoordinatorMessage) => void;

/** Results nobody waits for yet: their operations resume in a moment, after a restart. */
const EARLY_RESULTS_MAX = 10_000;

/** After a cancelled or late command, how long its result is still waited for. */
const LAST_WORDS_MS = 30_000;

export class Commands {
  readonly #clock: Clock;
  readonly #pending = new Map<CommandId, Pending>();
  readonly #early = new Map<CommandId, EarlyResult>();
  /**
   * Results somebody has and may not have recorded yet: whoever could not, as with a full disk, may come back with
   * another command.
   */
  readonly #unacknowledged = new Map<CommandId, HostId>();
  readonly #connected = new Map<HostId, Send>();
  /** True while the operation behind a command has not ended: its result must not be thrown away. */
  readonly #isWanted: (commandId: CommandId) => boolean;

  constructor(parts: { readonly clock: Clock; readonly isWanted: (id: CommandId) => boolean }) {
    this.#clock = parts.clock;
    this.#isWanted = parts.isWanted;
  }

  connected(hostId: HostId, send: Send): void {
    this.#connected.set(hostId, send);
    for (const { hostId: wanted, command, cancelled } of this.#pending.values()) {
      if (wanted !== hostId) continue;
      send(command);
      // Whoever cancelled may have done so while the host was away.
      if (cancelled) send({ kind: "cancel", commandId: command.commandId });
    }
  }

  disconnected(hostId: HostId): void {
    this.#connected.delete(hostId);
  }

  progress(progress: CommandProgress): void {
    this.#pending.get(progress.commandId)?.onProgress(progress);
  }

  result(hostId: HostId, result: CommandResult): void {
    const pending = this.#pending.get(result.commandId);
    if (pending?.hostId === hostId) {
      this.#unacknowledged.set(result.commandId, hostId);
      pending.settle(result);
    } else if (this.#isWanted(result.commandId) && this.#early.size < EARLY_RESULTS_MAX) {
      this.#early.set(result.commandId, { hostId, result });
    } else {
      this.#connected.get(hostId)?.({ kind: "acknowledge", commandId: result.commandId });
    }
  }

  /** The result is recorded: the agent may forget it. One that has not come is acknowledged when it comes. */
  acknowledge(hostId: HostId, commandId: CommandId): void {
    const wasEarly = this.#early.delete(commandId);
    if (!this.#unacknowledged.delete(commandId) && !wasEarly) return;
    this.#connected.get(hostId)?.({ kind: "acknowledge", commandId });
  }

  /** After a step was recorded: results that nobody will ask for any more. */
  acknowledgeUnwanted(): void {
    const early = [...this.#early].map(([id, { hostId }]) => [id, hostId] as const);
    for (const [commandId, hostId] of [...early, ...this.#unacknowledged]) {
      if (!this.#isWanted(commandId)) this.acknowledge(hostId, commandId);
    }
  }

  /** Rejects only when there is no result: "host-offline", "timeout", or with the reason of `stopping`. A failure is a result with an error. */
  async execute(hostId: HostId, command: Command, options: CommandOptions): Promise<CommandResult> {
    const { commandId } = command;
    const early = this.#early.get(commandId);
    if (early !== undefined) return early.result;
    const ended = new AbortController();
    const outcome = await new Promise<CommandResult | MusterError>((settle) => {
      const { onProgress } = options;
      this.#pending.set(commandId, { hostId, command, onProgress, settle, cancelled: false });
      this.#connected.get(hostId)?.(command);
      const cancel = (): void => {
        this.#cancel(commandId);
      };
      if (options.signal.aborted) cancel();
      else options.signal.addEventListener("abort", cancel, { once: true, signal: ended.signal });
      const { stopping } = options;
      const stop = (): void => {
        settle(errorFrom(detailOf(stopping?.reason)));
      };
      if (stopping?.aborted === true) stop();
      else stopping?.addEventListener("abort", stop, { once: true, signal: ended.signal });
      this.#giveUpWhenOffline(hostId, options.offlineLimitMs, ended.signal, settle);
      this.#giveUpWhenLate(commandId, options.limitMs, ended.signal, settle);
    });
    ended.abort();
    this.#pending.delete(commandId);
    if (outcome instanceof MusterError) throw outcome;
    return outcome;
  }

  #cancel(commandId: CommandId): void {
    const pending = this.#pending.get(commandId);
    if (pending === undefined) return;
    pending.cancelled = true;
    this.#connected.get(pending.hostId)?.({ kind: "cancel", commandId });
  }

  #giveUpWhenOffline(
    hostId: HostId,
    offlineLimitMs: number,
    ended: AbortSignal,
    settle: (error: MusterError) => void,
  ): void {
    const watch = async (): Promise<void> => {
      let offlineMs = 0;
      // Often enough to notice a short visit, seldom enough to cost nothing.
      const stepMs = Math.max(100, Math.min(1_000, offlineLimitMs / 4));
      while (offlineMs < offlineLimitMs) {
        await this.#clock.sleep(stepMs, ended);
        offlineMs = this.#connected.has(hostId) ? 0 : offlineMs + stepMs;
      }
      const seconds = String(Math.round(offlineLimitMs / 1000));
      settle(new MusterError("host-offline", `the host has not been connected for ${seconds} s`));
    };
    watch().catch((error: unknown) => {
      if (!ended.aborted)
        settle(new MusterError("internal", "watching a host failed", { cause: error }));
    });
  }

  #giveUpWhenLate(
    commandId: CommandId,
    limitMs: number,
    ended: AbortSignal,
    settle: (error: MusterError) => void,
  ): void {
    const watch = async (): Promise<void> => {
      await this.#clock.sleep(limitMs, ended);
      this.#cancel(commandId);
      await this.#clock.sleep(LAST_WORDS_MS, ended);
      const seconds = String(Math.round(limitMs / 1000));
      settle(new MusterError("timeout", `the host did not finish within ${seconds} s`));
    };
    watch().catch((error: unknown) => {
      if (!ended.aborted)
        settle(new MusterError("internal", "watching a command failed", { cause: error }));
    });
  }
}
