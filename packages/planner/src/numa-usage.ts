import { DEFAULT_CPU_OVERCOMMIT, type HostSnapshot } from "./snapshot.ts";
import { toMiB } from "./units.ts";
import type { Load } from "./want.ts";

/** What a VM takes of each of its NUMA cells. */
export interface CellNeed {
  readonly cpus: number;
  readonly memoryMiB: number;
}

export const cellNeedOf = (load: Load): CellNeed => ({
  cpus: load.cpus / load.numaCells,
  memoryMiB: (load.memoryMiB + load.hugeMiB) / load.numaCells,
});

/**
 * Room in NUMA cells. Only VMs laid out over cells are charged to them: one that floats has no cell.
 * The host's overcommit of CPUs holds in each cell; its memory is never overcommitted.
 */
export class NumaUsage {
  readonly #cellsByHost: readonly (readonly Cell[])[];
  readonly #layouts = new Map<Load, Map<number, readonly Cell[]>>();

  constructor(hosts: readonly HostSnapshot[]) {
    this.#cellsByHost = hosts.map((host) =>
      (host.capacity.numaCells ?? [])
        .toSorted((a, b) => a.id - b.id)
        .map((cell) => ({
          id: cell.id,
          freeCpus: cell.cpus * (host.capacity.cpuOvercommit ?? DEFAULT_CPU_OVERCOMMIT),
          freeMemoryMiB: toMiB(cell.memoryBytes),
        })),
    );
  }

  cells(host: number): readonly Readonly<Cell>[] {
    return this.#cellsByHost[host] ?? [];
  }

  fits(load: Load, host: number): boolean {
    const need = cellNeedOf(load);
    let found = 0;
    for (const cell of this.cells(host)) if (hasRoom(cell, need)) found++;
    return found >= load.numaCells;
  }

  /**
   * Lays a VM out: on the cells it is known to use, else on those it fits most tightly, which keeps large
   * cells whole for large VMs. When it fits nowhere the fullest cells go below zero, as they are in truth.
   */
  charge(load: Load, host: number, knownCellIds: readonly number[]): void {
    const cells = this.#cellsByHost[host] ?? [];
    const need = cellNeedOf(load);
    const known = cells.filter((cell) => knownCellIds.includes(cell.id));
    const tightest = cells.toSorted(
      (a, b) =>
        Number(hasRoom(b, need)) - Number(hasRoom(a, need)) ||
        a.freeCpus - b.freeCpus ||
        a.freeMemoryMiB - b.freeMemoryMiB ||
        a.id - b.id,
    );
    const chosen = known.length === load.numaCells ? known : tightest.slice(0, load.numaCells);
    for (const cell of chosen) take(cell, need, 1);
    const layouts = this.#layouts.get(load) ?? new Map<number, readonly Cell[]>();
    this.#layouts.set(load, layouts.set(host, chosen));
  }

  /** @returns the ids of the cells it had, so that it can be put back exactly. */
  discharge(load: Load, host: number): readonly number[] {
    const layouts = this.#layouts.get(load);
    const chosen = layouts?.get(host) ?? [];
    for (const cell of chosen) take(cell, cellNeedOf(load), -1);
    layouts?.delete(host);
    if (layouts?.size === 0) this.#layouts.delete(load);
    return chosen.map((cell) => cell.id);
  }
}

interface Cell {
  readonly id: number;
  freeCpus: number;
  freeMemoryMiB: number;
}

const hasRoom = (cell: Cell, need: CellNeed): boolean =>
  cell.freeCpus >= need.cpus && cell.freeMemoryMiB >= need.memoryMiB;

function take(cell: Cell, need: CellNeed, sign: 1 | -1): void {
  cell.freeCpus -= sign * need.cpus;
  cell.freeMemoryMiB -= sign * need.memoryMiB;
}
