/**
 * How evenly one figure is spread over the hosts: running sums that make the standard deviation after a
 * change of one host a handful of additions. This is htools' measure of a balanced cluster.
 */
export class EvennessTerm {
  readonly #values: Float64Array;
  readonly #start: Float64Array;
  /** What is charged, in whole units: sums of them are exact, whatever came and went. */
  readonly #amounts: Float64Array;
  readonly #unit: Float64Array;
  readonly #counted: Uint8Array;
  readonly #hostCount: number;
  #sum = 0;
  #sumOfSquares = 0;

  /**
   * All by host index.
   * @param counted 1 for hosts that take part (online ones).
   * @param start the value with nothing charged.
   * @param unit what one unit of load adds to the value.
   */
  constructor(hosts: { counted: Uint8Array; start: Float64Array; unit: Float64Array }) {
    this.#counted = hosts.counted;
    this.#unit = hosts.unit;
    this.#start = hosts.start;
    this.#values = Float64Array.from(hosts.start);
    this.#amounts = new Float64Array(hosts.start.length);
    this.#hostCount = hosts.counted.reduce((count, isCounted) => count + isCounted, 0);
    this.recompute();
  }

  /** Adds everything up afresh, so that nothing depends on the order in which things came and went. */
  recompute(): void {
    this.#sum = 0;
    this.#sumOfSquares = 0;
    for (let host = 0; host < this.#values.length; host++) {
      if (this.#counted[host] === 0) continue;
      const value = this.#values[host] as number;
      this.#sum += value;
      this.#sumOfSquares += value * value;
    }
  }

  add(host: number, amount: number): void {
    const old = this.#values[host] as number;
    const charged = (this.#amounts[host] as number) + amount;
    this.#amounts[host] = charged;
    const value = (this.#start[host] as number) + charged * (this.#unit[host] as number);
    this.#values[host] = value;
    if (this.#counted[host] === 0) return;
    this.#sum += value - old;
    this.#sumOfSquares += value * value - old * old;
  }

  /** Another value with nothing charged. Until {@link recompute} the sums are those of before. */
  restart(host: number, start: number): void {
    this.#start[host] = start;
    this.#values[host] = start + (this.#amounts[host] as number) * (this.#unit[host] as number);
  }

  get deviation(): number {
    return deviationOf(this.#sum, this.#sumOfSquares, this.#hostCount);
  }

  /**
   * How much less even the hosts would be with `amount` more on one of them: the growth of the standard
   * deviation, times the number of hosts so that the figure does not shrink as a cluster grows.
   */
  growth(host: number, amount: number): number {
    if (this.#counted[host] === 0) return 0;
    const old = this.#values[host] as number;
    const change = amount * (this.#unit[host] as number);
    const deviation = deviationOf(
      this.#sum + change,
      this.#sumOfSquares + change * (2 * old + change),
      this.#hostCount,
    );
    return this.#hostCount * (deviation - this.deviation);
  }

  /** The same for many hosts, times `weight`, added to their scores. */
  addGrowth(
    candidates: Int32Array,
    scores: Float64Array,
    by: { readonly amount: number; readonly weight: number },
  ): void {
    const { amount, weight } = by;
    const values = this.#values;
    const unit = this.#unit;
    const share = 1 / this.#hostCount;
    const sum = this.#sum;
    const squares = this.#sumOfSquares;
    const now = this.deviation;
    const factor = weight * this.#hostCount;
    for (let i = 0; i < candidates.length; i++) {
      const host = candidates[i] as number;
      const change = amount * (unit[host] as number);
      const mean = (sum + change) * share;
      const variance =
        (squares + change * (2 * (values[host] as number) + change)) * share - mean * mean;
      const deviation = variance > 0 ? Math.sqrt(variance) : 0;
      scores[i] = (scores[i] as number) + factor * (deviation - now);
    }
  }

  /** Things as they are. Taking an amount out and putting it back changes last bits of the sums; this does not. */
  save(): { restore(): void } {
    const sum = this.#sum;
    const sumOfSquares = this.#sumOfSquares;
    return {
      restore: () => {
        this.#sum = sum;
        this.#sumOfSquares = sumOfSquares;
      },
    };
  }
}

function deviationOf(sum: number, sumOfSquares: number, count: number): number {
  if (count === 0) return 0;
  const mean = sum / count;
  const variance = sumOfSquares / count - mean * mean;
  return variance > 0 ? Math.sqrt(variance) : 0;
}
