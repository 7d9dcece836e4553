import type { MoveBook } from "./move-book.ts";
import type { MotionLimits } from "./motion.ts";

export interface BudgetedMove {
  readonly vmId: string;
  readonly fromHostId: string;
  readonly toHostId: string;
}

/** What one wave may still use of hosts' links and of storages. */
export class WaveBudget {
  readonly #book: MoveBook;
  readonly #limits: MotionLimits;
  readonly #outgoing = new Map<string, number>();
  readonly #incoming = new Map<string, number>();
  readonly #copies = new Map<number, number>();
  #atOnce = 0;

  constructor(book: MoveBook, limits: MotionLimits) {
    this.#book = book;
    this.#limits = limits;
  }

  allows(move: BudgetedMove): boolean {
    const { outgoingPerHostMax, incomingPerHostMax, perStorageMax, atOnceMax } = this.#limits;
    const from = move.fromHostId;
    return (
      this.#atOnce < atOnceMax &&
      (this.#outgoing.get(from) ?? 0) < outgoingPerHostMax &&
      (this.#incoming.get(move.toHostId) ?? 0) < incomingPerHostMax &&
      this.#copied(move).every((slot) => (this.#copies.get(slot) ?? 0) < perStorageMax)
    );
  }

  /** False, and nothing taken, when the wave has no more room for the move. */
  take(move: BudgetedMove): boolean {
    if (!this.allows(move)) return false;
    const from = move.fromHostId;
    this.#atOnce++;
    this.#outgoing.set(from, (this.#outgoing.get(from) ?? 0) + 1);
    this.#incoming.set(move.toHostId, (this.#incoming.get(move.toHostId) ?? 0) + 1);
    for (const slot of this.#copied(move)) {
      this.#copies.set(slot, (this.#copies.get(slot) ?? 0) + 1);
    }
    return true;
  }

  /** Accounts of the storages that the move reads or writes. */
  #copied(move: BudgetedMove): readonly number[] {
    const disks = this.#book.vm(move.vmId).disks ?? [];
    if (disks.length === 0) return [];
    const { storages, hostIndexById } = this.#book.planner.usage;
    const from = hostIndexById.get(move.fromHostId) ?? -1;
    const to = hostIndexById.get(move.toHostId) ?? -1;
    return disks.flatMap(({ storage }) => {
      const slots = [storages.slotOf(storage, from), storages.slotOf(storage, to)];
      return slots[0] === slots[1] ? [] : slots;
    });
  }
}
