import type { Rehearsal } from "./rehearsal.ts";
import type { StaticVerdict } from "./static-verdicts.ts";
import type { Load } from "./want.ts";

/** What rehearsals may know of the hosts' accounts. Dimensions are memory, CPUs, number of VMs, and page sizes. */
export interface HostRoom {
  readonly hostCount: number;
  readonly dimensionCount: number;
  free(host: number, dimension: number): number;
  need(load: Load, dimension: number): number;
  usedMemoryMiB(host: number): number;
  occupants(host: number): Iterable<Load>;
  /** All host indexes, those with most free memory first, then by index. */
  roomiestFirst(): Int32Array;
  /** Where static facts would let the VM be restarted. */
  allowed(load: Load): StaticVerdict;
  /** By host, then dimension: zeros between any two uses. */
  readonly scratch: Float64Array;
}

/** What all rehearsals together keep free on each host. */
export class Reserves {
  readonly #room: HostRoom;
  readonly #byHost: readonly Map<Rehearsal, Float64Array>[];
  /** By host, then dimension: the largest reserve of any one rehearsal; failures come one at a time. */
  readonly #largest: Float64Array;
  /** What one rehearsal keeps free, by host, then dimension: for long looks at all hosts. */
  readonly #view: Float64Array;
  #viewed: Rehearsal | undefined;
  /** Hosts where the view may be other than zero. */
  readonly #viewedHosts: number[] = [];

  constructor(room: HostRoom) {
    this.#room = room;
    this.#byHost = Array.from({ length: room.hostCount }, () => new Map<Rehearsal, Float64Array>());
    this.#largest = new Float64Array(room.hostCount * room.dimensionCount);
    this.#view = new Float64Array(room.hostCount * room.dimensionCount);
  }

  /** By host, then dimension: what the rehearsal keeps free; valid until another one is looked at. */
  viewOf(rehearsal: Rehearsal): Float64Array {
    if (this.#viewed === rehearsal) return this.#view;
    const dimensions = this.#room.dimensionCount;
    for (const host of this.#viewedHosts) {
      for (let d = 0; d < dimensions; d++) this.#view[host * dimensions + d] = 0;
    }
    this.#viewedHosts.length = 0;
    this.#viewed = rehearsal;
    for (const [host, entry] of rehearsal.reserved) this.#show(host, entry);
    return this.#view;
  }

  #show(host: number, entry: Float64Array): void {
    this.#viewedHosts.push(host);
    const at = host * entry.length;
    for (let d = 0; d < entry.length; d++) this.#view[at + d] = entry[d] as number;
  }

  of(rehearsal: Rehearsal, host: number, dimension: number): number {
    return rehearsal.reserved.get(host)?.[dimension] ?? 0;
  }

  reservers(host: number): readonly Rehearsal[] {
    return [...(this.#byHost[host]?.keys() ?? [])];
  }

  /** Whether every rehearsal still holds if `load` (or nothing) is added on the host. */
  allHold(host: number, load: Load | undefined): boolean {
    const dimensions = this.#room.dimensionCount;
    for (let d = 0; d < dimensions; d++) {
      const reserve = this.#largest[host * dimensions + d] as number;
      const need = load === undefined ? 0 : this.#room.need(load, d);
      if (reserve > 0 && reserve + need > this.#room.free(host, d)) return false;
    }
    return true;
  }

  change(rehearsal: Rehearsal, load: Load, at: { host: number; sign: 1 | -1 }): void {
    const entries = this.#byHost[at.host];
    if (entries === undefined) return;
    const dimensions = this.#room.dimensionCount;
    let entry = entries.get(rehearsal);
    if (entry === undefined) {
      entry = new Float64Array(dimensions);
      entries.set(rehearsal, entry);
      rehearsal.reserved.set(at.host, entry);
    }
    for (let d = 0; d < dimensions; d++) {
      entry[d] = (entry[d] as number) + at.sign * this.#room.need(load, d);
    }
    if (rehearsal === this.#viewed) this.#show(at.host, entry);
    // The third dimension counts VMs.
    if (entry[2] === 0) {
      entries.delete(rehearsal);
      rehearsal.reserved.delete(at.host);
    }
    for (let d = 0; d < dimensions; d++) {
      const index = at.host * dimensions + d;
      if (at.sign === 1) {
        this.#largest[index] = Math.max(this.#largest[index] as number, entry[d] as number);
        continue;
      }
      const was = (entry[d] as number) + this.#room.need(load, d);
      if (was < (this.#largest[index] as number)) continue;
      let largest = 0;
      for (const other of entries.values()) largest = Math.max(largest, other[d] as number);
      this.#largest[index] = largest;
    }
  }
}
