/**
 * Has questions answered on threads of their own, so that the coordinator goes on while the planner thinks. A thread
 * is this program again: its entry sees that it is not the main thread and calls `serveQuestion`.
 */
import { Worker } from "node:worker_threads";
import { errorFrom, MusterError } from "@muster/model";
import type { Clock } from "@muster/runtime";
import type { Questions } from "./questions.ts";
import type {
  AnsweredQuestion,
  QuestionResult,
  QuestionWork,
  ThreadWork,
} from "./question-work.ts";
import { sendPieces } from "./snapshot-pieces.ts";

/** More would take processors from the coordinator; with one, a long question holds up every short one. */
const THREADS_MAX = 2;
/** People who wait for a thread. Beyond it they hear so at once instead of running into a deadline. */
const WAITING_MAX = 16;
/** Beyond the time to think: starting, reading the snapshot, putting the moves in order. */
const OVERTIME_MS = 15_000;
/** 1,000 hosts and 20,000 VMs need a quarter of it. */
const THREAD_MEMORY_MIB = 1024;

export class QuestionThreads implements Questions, AsyncDisposable {
  readonly #entry: URL;
  readonly #clock: Clock;
  readonly #running = new Set<Worker>();
  readonly #waiting: (() => void)[] = [];
  readonly #stopping = new AbortController();
  #busy = 0;

  /** @param parts.entry the file of the program, which calls `serveQuestion` when it is not the main thread. */
  constructor(parts: { readonly entry: URL; readonly clock: Clock }) {
    this.#entry = parts.entry;
    this.#clock = parts.clock;
  }

  /** Throws what the question deserves, `busy`, `timeout`, or the signal's reason when nobody waits any more. */
  async ask(work: QuestionWork, signal: AbortSignal): Promise<AnsweredQuestion> {
    await this.#takeTurn();
    try {
      signal.throwIfAborted();
      return await this.#answer(work, AbortSignal.any([signal, this.#stopping.signal]));
    } finally {
      this.#busy -= 1;
      this.#waiting.shift()?.();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new MusterError("interrupted", "the coordinator stops"));
    await Promise.all([...this.#running].map((worker) => worker.terminate()));
  }

  async #takeTurn(): Promise<void> {
    if (this.#busy >= THREADS_MAX) {
      if (this.#waiting.length >= WAITING_MAX) {
        throw new MusterError("busy", "the planner has too many questions to answer already");
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#busy += 1;
  }

  async #answer(work: QuestionWork, signal: AbortSignal): Promise<AnsweredQuestion> {
    const { snapshot, ...rest } = work;
    const workerData: ThreadWork = {
      ...rest,
      snapshot: snapshot.kind === "live" ? { kind: "follows" } : snapshot,
    };
    const worker = new Worker(this.#entry, {
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: THREAD_MEMORY_MIB },
    });
    this.#running.add(worker);
    const over = new AbortController();
    try {
      const stopped = AbortSignal.any([signal, over.signal]);
      const [result] = await Promise.all([
        Promise.race([resultOf(worker), this.#tooLate(work.withinMs + OVERTIME_MS, stopped)]),
        snapshot.kind === "live" ? sendPieces(worker, snapshot.snapshot, stopped) : undefined,
      ]);
      if (result.ok) return result.answered;
      throw errorFrom(result.error);
    } finally {
      over.abort(new MusterError("internal", "nobody waits for this any more"));
      await worker.terminate();
      this.#running.delete(worker);
    }
  }

  async #tooLate(limitMs: number, signal: AbortSignal): Promise<never> {
    await this.#clock.sleep(limitMs, signal);
    throw new MusterError("timeout", "the planner has no answer in time", {
      hint: "ask for less, or allow more time with --within",
    });
  }
}

async function resultOf(worker: Worker): Promise<QuestionResult> {
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", (cause: NodeJS.ErrnoException) => {
      reject(
        cause.code === "ERR_WORKER_OUT_OF_MEMORY"
          ? new MusterError("limit-exceeded", "the question needs too much memory", { cause })
          : cause,
      );
    });
    worker.once("exit", () => {
      reject(new MusterError("internal", "the planner's thread ended without an answer"));
    });
  });
}
