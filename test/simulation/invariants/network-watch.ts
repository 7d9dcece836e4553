/** S7: a change of its networks may cut a host off for as long as it waits to be confirmed, and no longer. */
import { CONFIRM_TIMEOUT_DEFAULT_MS } from "@muster/model";

/** Clocks are wrong by a hundredth here, and what was made takes a moment to be taken back. */
const LIMIT_MS = CONFIRM_TIMEOUT_DEFAULT_MS * 1.05 + 5_000;

export interface WatchedHost {
  readonly name: string;
  /** By what its own networks are, not by anything else that broke. */
  readonly isCutOff: boolean;
  /** Changes with every start of its agent; undefined: no agent runs, so nobody there can undo anything. */
  readonly agent: object | undefined;
}

interface CutOff {
  readonly sinceMs: number;
  readonly agent: object;
}

export class NetworkWatch {
  readonly violations: string[] = [];
  readonly #cutOff = new Map<string, CutOff>();

  /** Call it often: what lasts longer than between two looks is noticed. */
  look(hosts: readonly WatchedHost[], nowMs: number): void {
    for (const { name, isCutOff, agent } of hosts) {
      const before = this.#cutOff.get(name);
      if (!isCutOff || agent === undefined) {
        this.#cutOff.delete(name);
      } else if (before?.agent !== agent) {
        this.#cutOff.set(name, { sinceMs: nowMs, agent });
      } else if (nowMs - before.sinceMs > LIMIT_MS) {
        const seconds = String(Math.round((nowMs - before.sinceMs) / 1000));
        this.violations.push(
          `S7: ${name} has cut itself off by its networks and did not undo that within ${seconds} s`,
        );
        this.#cutOff.delete(name);
      }
    }
  }
}
