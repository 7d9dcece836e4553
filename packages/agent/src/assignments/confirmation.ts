/** Asks the coordinator whether this host is heard, and waits for the answer to just that question. */
import type { ConfirmNetwork, NetworkApplied } from "@muster/model";
import type { Clock, Random } from "@muster/runtime";

export interface ConfirmationParts {
  readonly clock: Clock;
  readonly random: Random;
  /** Does nothing while there is no session. */
  readonly send: (question: NetworkApplied) => void;
}

interface Waiting {
  readonly question: NetworkApplied;
  readonly heard: AbortController;
}

/** A question that was lost with a connection is asked again at least so often. */
const ASK_AGAIN_MS = 1_000;

export class Confirmation {
  readonly #parts: ConfirmationParts;
  #waiting: Waiting | undefined;

  constructor(parts: ConfirmationParts) {
    this.#parts = parts;
  }

  /** True: heard within the time. Rejects when `signal` aborts. */
  async ask(
    change: Pick<NetworkApplied, "revision" | "attempt">,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<boolean> {
    const { clock, random } = this.#parts;
    const question: NetworkApplied = { kind: "network-applied", ...change, nonce: random.uuid() };
    const heard = new AbortController();
    this.#waiting = { question, heard };
    const untilMs = clock.now() + timeoutMs;
    const either = AbortSignal.any([signal, heard.signal]);
    try {
      while (!heard.signal.aborted && clock.now() < untilMs) {
        this.#parts.send(question);
        const restMs = Math.min(ASK_AGAIN_MS, untilMs - clock.now());
        await clock.sleep(restMs, either).catch((error: unknown) => {
          signal.throwIfAborted();
          if (!heard.signal.aborted) throw error;
        });
      }
      return heard.signal.aborted;
    } finally {
      this.#waiting = undefined;
    }
  }

  heard({ revision, attempt, nonce }: ConfirmNetwork): void {
    const { question, heard } = this.#waiting ?? {};
    const isAnswer =
      question?.revision === revision && question.attempt === attempt && question.nonce === nonce;
    if (isAnswer) heard?.abort(new Error("the coordinator was heard"));
  }

  /** A session opened: what was asked may have been lost with the one before. */
  askAgain(): void {
    if (this.#waiting !== undefined) this.#parts.send(this.#waiting.question);
  }
}
