/** Timers of simulated time, the earliest first; of one moment, the one that was made first. A binary heap. */
export interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly fire: () => void;
  isCancelled: boolean;
}

/** Cancelled timers are dropped when they are met, and all of them once they are the greater part. */
const SWEEP_MIN = 1_024;

export class TimerQueue {
  #heap: Timer[] = [];
  #added = 0;
  #cancelledCount = 0;

  get size(): number {
    return this.#heap.length - this.#cancelledCount;
  }

  add(atMs: number, fire: () => void): Timer {
    const timer: Timer = { atMs, order: (this.#added += 1), fire, isCancelled: false };
    this.#heap.push(timer);
    this.#siftUp(this.#heap.length - 1);
    return timer;
  }

  cancel(timer: Timer): void {
    if (timer.isCancelled) return;
    timer.isCancelled = true;
    this.#cancelledCount += 1;
    if (this.#heap.length > SWEEP_MIN && this.#cancelledCount > this.#heap.length / 2)
      this.#sweep();
  }

  /** Takes the earliest timer out, unless it is later than that. */
  takeUntil(endMs: number): Timer | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined) return undefined;
      if (!first.isCancelled && first.atMs > endMs) return undefined;
      this.#removeFirst();
      if (!first.isCancelled) return first;
      this.#cancelledCount -= 1;
    }
  }

  #sweep(): void {
    this.#heap = this.#heap.filter(({ isCancelled }) => !isCancelled);
    this.#cancelledCount = 0;
    for (let index = (this.#heap.length >> 1) - 1; index >= 0; index -= 1) this.#siftDown(index);
  }

  #removeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#siftDown(0);
  }

  #siftUp(from: number): void {
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#swapIfEarlier(index, parent)) return;
      index = parent;
    }
  }

  #siftDown(from: number): void {
    let index = from;
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      const [one, other] = [this.#heap[left], this.#heap[right]];
      if (one === undefined) return;
      const child = other !== undefined && isEarlier(other, one) ? right : left;
      if (!this.#swapIfEarlier(child, index)) return;
      index = child;
    }
  }

  #swapIfEarlier(child: number, parent: number): boolean {
    const [below, above] = [this.#heap[child], this.#heap[parent]];
    if (below === undefined || above === undefined || !isEarlier(below, above)) return false;
    this.#heap[child] = above;
    this.#heap[parent] = below;
    return true;
  }
}

const isEarlier = (one: Timer, other: Timer): boolean =>
  one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
