/** The latest changes in memory, and who watches them: for stores that live in one process. */
import { MusterError } from "@muster/model";
import { Mailbox } from "@muster/runtime";
import type { StoreChange } from "./store.ts";

/**
 * Changes kept for those who begin to watch a little later. Some megabytes at most; who is further behind takes a
 * snapshot, which costs no more than reading that many changes.
 */
const CHANGES_KEPT_MAX = 1_000;

/** A watcher this far behind is cut off instead of growing without end; it takes a snapshot and watches on. */
const CHANGES_WAITING_MAX = 10_000;

export class ChangeHistory {
  #changes: StoreChange[] = [];
  #compacted: number;
  readonly #watchers = new Set<Mailbox<StoreChange>>();

  /** Changes up to `revision` are not known here. */
  constructor(revision: number) {
    this.#compacted = revision;
  }

  record(change: StoreChange): void {
    this.#changes.push(change);
    if (this.#changes.length >= 2 * CHANGES_KEPT_MAX) {
      this.compact(this.#changes[CHANGES_KEPT_MAX - 1]?.revision ?? 0);
    }
    for (const watcher of this.#watchers) {
      if (!watcher.put(change)) this.#watchers.delete(watcher);
    }
  }

  compact(through: number): void {
    if (through <= this.#compacted) return;
    this.#compacted = through;
    this.#changes = this.#changes.filter((change) => change.revision > through);
  }

  /** The store closes: everybody who watches has seen all there was. */
  end(error: MusterError): void {
    for (const watcher of this.#watchers) watcher.end(error);
    this.#watchers.clear();
  }

  async *watch(after: number, signal: AbortSignal): AsyncGenerator<StoreChange, void, undefined> {
    if (signal.aborted) return;
    if (after < this.#compacted) throw compacted(after, this.#compacted);
    const mailbox = new Mailbox<StoreChange>(CHANGES_WAITING_MAX + this.#changes.length);
    for (const change of this.#changes) if (change.revision > after) mailbox.put(change);
    this.#watchers.add(mailbox);
    const leave = (): void => {
      mailbox.end();
    };
    signal.addEventListener("abort", leave, { once: true });
    try {
      for await (const change of mailbox) {
        if (signal.aborted) return;
        yield change;
      }
    } finally {
      signal.removeEventListener("abort", leave);
      this.#watchers.delete(mailbox);
    }
  }
}

export function compacted(after: number, through: number): MusterError {
  const message = `changes after revision ${String(after)} are no longer known, those after ${String(through)} are`;
  return new MusterError("version-conflict", message, {
    hint: "take a snapshot and watch from it",
  });
}
