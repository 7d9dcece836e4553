/**
 * Watches each command at its agent (S4): carried out by whoever began it, to one end, never again after that end, what
 * cannot be repeated at most once, and nothing once its time is over.
 */
import type { AgentParts } from "@muster/agent";
import type { Command, CommandId, CommandResult } from "@muster/model";
import type { Act } from "../watched-hypervisor.ts";

type Journal = AgentParts["journal"];

/** Done twice by one command they are something else than done once. */
const unrepeatable = new Set(["power reboot", "power reset", "migrate"]);

/** What an agent's clock may be wrong, and the moment between the end of a command's time and its next look. */
const CLOCK_ERROR = 1.02;
const LATE_MS = 1_000;

export class CommandWatch {
  readonly violations: string[] = [];
  readonly #nowMs: () => number;
  readonly #finished = new Set<string>();
  readonly #done = new Map<string, number>();
  /** Of each host's agent as it runs now: when the time of a command began at the latest. */
  readonly #beganMs = new Map<string, Map<CommandId, number>>();

  constructor(parts: { readonly nowMs: () => number }) {
    this.#nowMs = parts.nowMs;
  }

  /** A new process: it gives what it finds in its journal its time anew. */
  agentStarted(host: string): void {
    this.#beganMs.set(host, new Map());
  }

  begun(host: string, { commandId }: Command): void {
    this.#note(host, commandId);
    if (this.#finished.has(`${host} ${commandId}`)) {
      this.#broken(`S4: ${commandId} came to its end on ${host}, and was begun there again`);
    }
  }

  finished(host: string, { commandId }: CommandResult): void {
    this.#finished.add(`${host} ${commandId}`);
  }

  /** Something is done to a VM on behalf of this command. */
  acts({ host, what }: Act, { commandId, timeoutMs }: Command): void {
    const beganMs = this.#note(host, commandId);
    const elapsedMs = this.#nowMs() - beganMs;
    if (timeoutMs > 0 && elapsedMs > timeoutMs * CLOCK_ERROR + LATE_MS) {
      const late = `${String(Math.round(elapsedMs / 1000))} s after it was begun`;
      const limit = `${String(timeoutMs / 1000)} s`;
      this.#broken(`S4: ${what} on ${host} by ${commandId}, ${late}; its limit is ${limit}`);
    }
    if (!unrepeatable.has(what)) return;
    const key = `${host} ${commandId} ${what}`;
    const times = (this.#done.get(key) ?? 0) + 1;
    this.#done.set(key, times);
    if (times > 1) this.#broken(`S4: ${commandId} did ${what} on ${host} a second time`);
  }

  /** The same journal, whose records are noticed once they would survive a power cut. */
  watched(host: string, journal: Journal): Journal {
    return {
      entries: () => journal.entries(),
      find: (commandId) => journal.find(commandId),
      begin: async (command) => {
        await journal.begin(command);
        this.begun(host, command);
      },
      finish: async (result) => {
        await journal.finish(result);
        this.finished(host, result);
      },
      forget: (commandId) => journal.forget(commandId),
    };
  }

  #note(host: string, commandId: CommandId): number {
    const ofHost = this.#beganMs.get(host) ?? new Map<CommandId, number>();
    this.#beganMs.set(host, ofHost);
    const beganMs = ofHost.get(commandId) ?? this.#nowMs();
    ofHost.set(commandId, beganMs);
    return beganMs;
  }

  #broken(what: string): void {
    this.violations.push(`${what} at ${(this.#nowMs() / 1000).toFixed(3)} s`);
  }
}
