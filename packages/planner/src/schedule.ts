/**
 * Puts wanted moves in an order in which every intermediate state keeps every hard rule.
 *
 * Moves are gathered in waves. A wave may run side by side because each of its moves has room while every
 * VM that leaves during the wave is still counted where it was. Where no wanted move has room, a VM makes a
 * stop on another host; what still cannot go is dropped, with the rules that stood in its way.
 */
import type { MoveBook } from "./move-book.ts";
import {
  totalsOf,
  type DroppedMove,
  type MotionLimits,
  type MotionPlan,
  type PlannedMove,
} from "./motion.ts";
import { WaveBudget } from "./wave-budget.ts";

export interface WantedMove {
  readonly vmId: string;
  readonly toHostId: string;
}

/** @param wanted most valuable first. Plays the moves through on the book. */
export function scheduleMoves(
  book: MoveBook,
  wanted: readonly WantedMove[],
  limits: MotionLimits,
): MotionPlan {
  const schedule = new Schedule(book, limits);
  let pending = wanted.filter(({ vmId, toHostId }) => book.hostOf(vmId) !== toHostId);
  while (pending.length > 0) {
    const started = schedule.wave(pending);
    pending = pending.filter((move) => !started.has(move));
    if (started.size === 0 && !schedule.hop(pending)) break;
  }
  const dropped = pending.map((move): DroppedMove => {
    const fromHostId = book.hostOf(move.vmId) ?? "";
    const refusals = book.whyNot(move.vmId, move.toHostId);
    return { ...move, vmName: book.vm(move.vmId).name, fromHostId, refusals };
  });
  return {
    snapshotVersion: book.planner.snapshotVersion,
    moves: schedule.moves,
    waveCount: schedule.waveCount,
    dropped,
    totals: totalsOf(schedule.moves),
  };
}

class Schedule {
  readonly moves: PlannedMove[] = [];
  waveCount = 0;
  readonly #book: MoveBook;
  readonly #limits: MotionLimits;
  readonly #hopped = new Set<string>();
  #hopsLeft: number;

  constructor(book: MoveBook, limits: MotionLimits) {
    this.#book = book;
    this.#limits = limits;
    this.#hopsLeft = limits.hopsMax;
  }

  /** Starts what can run side by side now. */
  wave(pending: readonly WantedMove[]): ReadonlySet<WantedMove> {
    const budget = new WaveBudget(this.#book, this.#limits);
    const started = new Set<WantedMove>();
    const brokenBefore = this.#brokenSurvivals();
    for (const move of pending) {
      const fromHostId = this.#book.hostOf(move.vmId) ?? "";
      if (!budget.allows({ ...move, fromHostId })) continue;
      if (!this.#book.canMove(move.vmId, move.toHostId)) continue;
      this.#book.begin(move.vmId, move.toHostId);
      if (this.#brokenSurvivals() > brokenBefore) {
        // Alone it would end well; with the others on their way it would not.
        this.#book.abandon(move.vmId, move.toHostId);
        continue;
      }
      budget.take({ ...move, fromHostId });
      this.#note(move, { isHop: false, wave: this.waveCount + 1 });
      started.add(move);
    }
    for (const move of started) this.#book.end(move.vmId, move.toHostId);
    if (started.size > 0) this.waveCount++;
    return started;
  }

  /** Sends the smallest VM that has somewhere to wait out of the way; false when there is none. */
  hop(pending: readonly WantedMove[]): boolean {
    if (this.#hopsLeft === 0) return false;
    const candidates = pending
      .filter(({ vmId }) => !this.#hopped.has(vmId))
      .map((move) => ({ move, memoryBytes: this.#book.vm(move.vmId).memoryBytes }))
      .sort(
        (a, b) => Number(a.memoryBytes - b.memoryBytes) || (a.move.vmId < b.move.vmId ? -1 : 1),
      );
    for (const { move } of candidates) {
      const answer = this.#book.place(move.vmId, [
        { hostId: move.toHostId, why: "it is where the VM is going in the end" },
      ]);
      if (!answer.ok) continue;
      this.#hopsLeft--;
      this.#hopped.add(move.vmId);
      this.waveCount++;
      const stop = { vmId: move.vmId, toHostId: answer.hostId };
      this.#book.begin(stop.vmId, stop.toHostId);
      this.#note(stop, { isHop: true, wave: this.waveCount });
      this.#book.end(stop.vmId, stop.toHostId);
      return true;
    }
    return false;
  }

  #brokenSurvivals(): number {
    return this.#book.planner.usage.survival?.broken().length ?? 0;
  }

  #note(move: WantedMove, how: { readonly isHop: boolean; readonly wave: number }): void {
    const { vmId, toHostId } = move;
    const cost = this.#book.costOf(vmId, toHostId);
    const fromHostId = this.#book.hostOf(vmId) ?? "";
    const vmName = this.#book.vm(vmId).name;
    const step = this.moves.length + 1;
    this.moves.push({ step, vmId, vmName, fromHostId, toHostId, ...how, cost });
  }
}
