/**
 * How much may be done at once to one host, one storage and one link between two hosts. What is over the budget waits
 * its turn, first come, first served for each of them; it does not fail. In memory: a coordinator that starts lets
 * what was under way go on and queues the rest in the order in which it was accepted.
 */
import type { OperationId } from "@muster/model";

export type BudgetKind = "host" | "storage" | "link";

export interface Need {
  readonly kind: BudgetKind;
  /** "h1", "shared", "h1 - h2". */
  readonly name: string;
}

export type BudgetLimits = Readonly<Record<BudgetKind, number>>;

/**
 * More operations at once on one host make its libvirt and its disks slower for all of them; more volumes made at once
 * drown a storage; more moves over one link each take longer and pause their guests longer.
 */
export const budgetLimits: BudgetLimits = { host: 8, storage: 16, link: 2 };

/** What an operation waits for. */
export interface Waiting {
  readonly need: Need;
  readonly limit: number;
  /** 1: it is the next. */
  readonly place: number;
}

interface Queued {
  readonly id: OperationId;
  readonly needs: readonly Need[];
  readonly start: () => void;
}

const keyOf = ({ kind, name }: Need): string => `${kind}/${name}`;

export class Budgets {
  readonly #limits: BudgetLimits;
  readonly #held = new Map<OperationId, readonly Need[]>();
  #queue: Queued[] = [];

  constructor(limits: BudgetLimits = budgetLimits) {
    this.#limits = limits;
  }

  /** Of an operation that is under way already: it goes on, whatever room there is. */
  hold(id: OperationId, needs: readonly Need[]): void {
    this.#held.set(id, needs);
  }

  /** Resolves when it may begin; rejects with the signal's reason when that aborts first. */
  async enter(id: OperationId, needs: readonly Need[], signal: AbortSignal): Promise<void> {
    if (needs.length === 0) return;
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        this.#queue = this.#queue.filter((other) => other.id !== id);
        this.#startWhatMay();
        reject(signal.reason as Error);
      };
      const start = (): void => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      this.#queue.push({ id, needs, start });
      if (signal.aborted) return leave();
      signal.addEventListener("abort", leave, { once: true });
      this.#startWhatMay();
    });
  }

  leave(id: OperationId): void {
    if (this.#held.delete(id)) this.#startWhatMay();
  }

  /** Undefined: it does not wait. */
  waitingOf(id: OperationId): Waiting | undefined {
    const position = this.#queue.findIndex((queued) => queued.id === id);
    const queued = this.#queue[position];
    if (queued === undefined) return undefined;
    const before = this.#queue.slice(0, position);
    // The need with the longest queue before it is what holds it up longest.
    const waits = queued.needs
      .filter((need) => this.#isFull(need) || before.some((other) => shares(other, need)))
      .map((need) => ({
        need,
        limit: this.#limits[need.kind],
        place: before.filter((other) => shares(other, need)).length + 1,
      }));
    return waits.toSorted((one, other) => other.place - one.place)[0];
  }

  get waitingCount(): number {
    return this.#queue.length;
  }

  #startWhatMay(): void {
    const wanted = new Set<string>();
    for (const queued of [...this.#queue]) {
      const isFree = queued.needs.every((need) => !wanted.has(keyOf(need)) && !this.#isFull(need));
      if (isFree) {
        this.#queue = this.#queue.filter((other) => other !== queued);
        this.#held.set(queued.id, queued.needs);
        queued.start();
      } else {
        // Nobody overtakes it where it waits.
        for (const need of queued.needs) wanted.add(keyOf(need));
      }
    }
  }

  #isFull(need: Need): boolean {
    const key = keyOf(need);
    let count = 0;
    for (const needs of this.#held.values()) {
      if (needs.some((held) => keyOf(held) === key)) count += 1;
    }
    return count >= this.#limits[need.kind];
  }
}

const shares = ({ needs }: Queued, need: Need): boolean =>
  needs.some((other) => keyOf(other) === keyOf(need));

/** For people: "host h1 (8 at once)". */
export const waitingText = ({ need, limit }: Waiting): string =>
  `${need.kind} ${need.name} (${String(limit)} at once)`;
