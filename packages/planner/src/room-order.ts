/** Hosts by free memory, most first and then by index, kept in order while VMs come and go. */
export class RoomOrder {
  /** Host indexes. */
  readonly #order: Int32Array;
  /** By host index: where it is in the order. */
  readonly #place: Int32Array;
  readonly #freeMiB: Float64Array;
  /** The figures that the order goes by: those of noted hosts may be old. */
  readonly #known: Float64Array;
  readonly #noted: number[] = [];

  constructor(freeMiB: Float64Array) {
    this.#freeMiB = freeMiB;
    this.#known = Float64Array.from(freeMiB);
    this.#order = Int32Array.from(freeMiB, (_, host) => host).sort((a, b) =>
      this.#isBefore(a, b) ? -1 : 1,
    );
    this.#place = new Int32Array(freeMiB.length);
    this.#order.forEach((host, place) => (this.#place[host] = place));
  }

  /** To be said of each host whose free memory has changed. */
  noteChange(host: number): void {
    this.#noted.push(host);
  }

  /** The order as it is now; valid until the next change. */
  hosts(): Int32Array {
    for (const host of this.#noted) this.#sink(host);
    this.#noted.length = 0;
    return this.#order;
  }

  #sink(host: number): void {
    const free = this.#freeMiB[host] as number;
    if (this.#known[host] === free) return;
    this.#known[host] = free;
    const order = this.#order;
    let place = this.#place[host] as number;
    for (; place > 0; place--) {
      const other = order[place - 1] as number;
      if (this.#isBefore(other, host)) break;
      this.#put(other, place);
    }
    for (; place < order.length - 1; place++) {
      const other = order[place + 1] as number;
      if (this.#isBefore(host, other)) break;
      this.#put(other, place);
    }
    this.#put(host, place);
  }

  #put(host: number, place: number): void {
    this.#order[place] = host;
    this.#place[host] = place;
  }

  #isBefore(one: number, other: number): boolean {
    const difference = (this.#known[one] as number) - (this.#known[other] as number);
    return difference === 0 ? one < other : difference > 0;
  }
}
