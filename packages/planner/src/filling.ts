import { accountFilters } from "./filters/index.ts";
import { survivesFailure } from "./filters/survives-failure.ts";
import { DEFAULT_WEIGHTS } from "./scorer.ts";
import { addScores } from "./select.ts";
import type { ClusterUsage } from "./usage.ts";
import type { Want } from "./want.ts";

/** Scores are worked out for all hosts again after as many VMs as this share of the hosts. */
const FRESH_FOR_SHARE = 0.125;

/**
 * Where many VMs of one shape go, one after the other, without asking every host about each.
 *
 * Every hard rule is asked of the host that is chosen. As VMs are only added, a host that fails one will not pass
 * later: it is not asked again. What a host would cost depends a little on what the others have, and that is
 * looked at once for some VMs: in between only the host that was given one is judged afresh.
 */
export class Filling {
  readonly #usage: ClusterUsage;
  readonly #want: Want;
  /** A heap of host indexes, the cheapest first; of equal ones the first index. */
  readonly #heap: Int32Array;
  #size: number;
  /** By host index. */
  readonly #score: Float64Array;
  readonly #one = new Int32Array(1);
  readonly #scoreOfOne = new Float64Array(1);
  #placedSinceFresh = 0;

  constructor(usage: ClusterUsage, want: Want, hosts: Int32Array) {
    this.#usage = usage;
    this.#want = want;
    this.#heap = Int32Array.from(hosts);
    this.#size = hosts.length;
    this.#score = new Float64Array(usage.hosts.length);
    this.#freshen();
  }

  /** The host for the next VM, or -1. */
  next(): number {
    if (this.#placedSinceFresh > this.#size * FRESH_FOR_SHARE) this.#freshen();
    while (this.#size > 0) {
      const host = this.#heap[0] as number;
      if (this.#passes(host)) return host;
      this.#heap[0] = this.#heap[--this.#size] as number;
      this.#sink(0);
    }
    return -1;
  }

  /** The VM was charged to the host that {@link next} named. */
  noteCharged(host: number): void {
    this.#placedSinceFresh++;
    this.#one[0] = host;
    this.#addScores(this.#one, this.#scoreOfOne);
    this.#score[host] = this.#scoreOfOne[0] as number;
    this.#sink(0);
  }

  #passes(host: number): boolean {
    const [usage, want] = [this.#usage, this.#want];
    for (const filter of accountFilters) {
      if (filter.applies(usage, want) && !filter.passes(usage, want, host)) return false;
    }
    return !survivesFailure.applies(usage, want) || survivesFailure.passes(usage, want, host);
  }

  #freshen(): void {
    this.#placedSinceFresh = 0;
    const hosts = this.#heap.subarray(0, this.#size);
    const scores = new Float64Array(hosts.length);
    this.#addScores(hosts, scores);
    hosts.forEach((host, index) => (this.#score[host] = scores[index] as number));
    for (let at = (this.#size >> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  #addScores(candidates: Int32Array, scores: Float64Array): void {
    addScores(this.#usage, this.#want, DEFAULT_WEIGHTS, { candidates, scores });
  }

  #sink(start: number): void {
    const heap = this.#heap;
    const host = heap[start] as number;
    let at = start;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      if (
        child + 1 < this.#size &&
        this.#isBefore(heap[child + 1] as number, heap[child] as number)
      )
        child++;
      if (!this.#isBefore(heap[child] as number, host)) break;
      heap[at] = heap[child] as number;
      at = child;
    }
    if (this.#size > 0) heap[at] = host;
  }

  #isBefore(one: number, other: number): boolean {
    const difference = (this.#score[one] as number) - (this.#score[other] as number);
    return difference === 0 ? one < other : difference < 0;
  }
}
