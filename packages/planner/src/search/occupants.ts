import type { SeededRandom } from "./random.ts";

/** Who is on each host, as lists that give a random member at once. */
export class Occupants {
  readonly #lists: number[][];
  readonly #place: Int32Array;

  constructor(hostCount: number, hostOf: Int32Array) {
    this.#lists = Array.from({ length: hostCount }, () => []);
    this.#place = new Int32Array(hostOf.length);
    hostOf.forEach((host, vm) => this.add(vm, host));
  }

  count(host: number): number {
    return (this.#lists[host] as number[]).length;
  }

  /** A random VM of the host, or -1. */
  pick(host: number, random: SeededRandom): number {
    const list = this.#lists[host] as number[];
    return list.length === 0 ? -1 : (list[random.below(list.length)] as number);
  }

  add(vm: number, host: number): void {
    const list = this.#lists[host] as number[];
    this.#place[vm] = list.length;
    list.push(vm);
  }

  remove(vm: number, host: number): void {
    const list = this.#lists[host] as number[];
    const last = list.pop() as number;
    if (last === vm) return;
    const place = this.#place[vm] as number;
    list[place] = last;
    this.#place[last] = place;
  }
}
