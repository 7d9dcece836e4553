/**
 * The election of a store that one process opens: who campaigns leads, and whoever led before does not any more. Two
 * processes never campaign at once: see `directory-lock.ts`.
 */
import { MusterError } from "@muster/model";
import type { Leader, Leadership, Member } from "./election.ts";

export class LocalElection {
  readonly #nextTerm: () => number;
  #current: { readonly leader: Leader; readonly end: (reason: Error) => void } | undefined;

  /** @param nextTerm makes a term, durably. */
  constructor(nextTerm: () => number) {
    this.#nextTerm = nextTerm;
  }

  get leader(): Leader | undefined {
    return this.#current?.leader;
  }

  get members(): readonly Member[] {
    return this.#current === undefined ? [] : [this.#current.leader.member];
  }

  async campaign(member: Member, signal: AbortSignal): Promise<Leadership> {
    signal.throwIfAborted();
    const term = this.#nextTerm();
    this.end(new MusterError("not-leader", `${member.name} leads with term ${String(term)}`));
    const ended = new AbortController();
    const end = (reason: Error): void => {
      if (ended.signal.aborted) return;
      this.#current = undefined;
      ended.abort(reason);
    };
    this.#current = { leader: { term, member }, end };
    return {
      term,
      lost: ended.signal,
      isCurrent: () => !ended.signal.aborted,
      resign: async (reason) => {
        end(reason);
      },
    };
  }

  end(reason: Error): void {
    this.#current?.end(reason);
  }
}
