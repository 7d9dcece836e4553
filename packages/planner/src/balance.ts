/**
 * How evenly one figure is spread over the hosts: running sums that make the standard deviation after a
 * change of one host a handful of additions. This is htools' measure of a balanced cluster.
 */
export class EvennessTerm {
  readonly #values: Float64Array;
  readonly #counted: Uint8Array;
  #hostCount = 0;
  #sum = 0;
  #sumOfSquares = 0;

  /** @param counted by host index: 1 for hosts that take part (online ones). */
  constructor(counted: Uint8Array) {
    this.#counted = counted;
    this.#values = new Float64Array(counted.length);
    for (const isCounted of counted) this.#hostCount += isCounted;
  }

  set(host: number, value: number): void {
    const old = this.#values[host] as number;
    this.#values[host] = value;
    if (this.#counted[host] === 0) return;
    this.#sum += value - old;
    this.#sumOfSquares += value * value - old * old;
  }

  get deviation(): number {
    return deviationOf(this.#sum, this.#sumOfSquares, this.#hostCount);
  }

  /** The standard deviation if `host` had `value`. */
  deviationWith(host: number, value: number): number {
    if (this.#counted[host] === 0) return this.deviation;
    const old = this.#values[host] as number;
    return deviationOf(
      this.#sum + value - old,
      this.#sumOfSquares + value * value - old * old,
      this.#hostCount,
    );
  }

  value(host: number): number {
    return this.#values[host] as number;
  }

  /** The sums as they are. Taking a value out and putting it back leaves the last bits of a sum changed; this does not. */
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

  get hostCount(): number {
    return this.#hostCount;
  }
}

function deviationOf(sum: number, sumOfSquares: number, count: number): number {
  if (count === 0) return 0;
  const mean = sum / count;
  return Math.sqrt(Math.max(0, sumOfSquares / count - mean * mean));
}
