/**
 * Production snapshots with two NUMA cells a host: how much free CPU is in pieces that cannot take a VM of 16
 * CPUs, before and after a limited number of moves found by the planner's search.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { Annealer } from "../../packages/planner/src/search/anneal.ts";
import type { SearchState } from "../../packages/planner/src/search/search-state.ts";

export interface ByteDanceArguments {
  readonly data: string;
  readonly maxMoves: number;
  readonly seconds: number;
  readonly seed: number;
  readonly json: string | undefined;
}

/** CPUs of the VM that free pieces are measured by. */
const PIECE = 16;

interface CellFile {
  readonly node: number;
  readonly total_cpu: number;
  readonly free_cpu: number;
  readonly memory_huge_total_mb: number;
  readonly memory_huge_free_mb: number;
}

interface ClusterFile {
  readonly cluster_name: string;
  readonly host_info: readonly { readonly node_id: string; readonly numa: readonly CellFile[] }[];
  readonly vm_instance: readonly {
    readonly instance_id: string;
    readonly host_id: string;
    readonly allow_migration: boolean;
    readonly numa: readonly {
      readonly node: number;
      readonly cpu: number;
      readonly mem_mb: number;
    }[];
  }[];
}

export function benchByteDance(args: ByteDanceArguments): void {
  // The file is the benchmark's own, in a form that its README fixes.
  const file = JSON.parse(readFileSync(args.data, "utf8")) as {
    readonly cluster_list: readonly ClusterFile[];
  };
  const rows = file.cluster_list.map((cluster) => solve(cluster, args));
  if (args.json !== undefined) writeFileSync(args.json, `${JSON.stringify(rows, null, 1)}\n`);
  console.table(rows);
}

function solve(cluster: ClusterFile, args: ByteDanceArguments) {
  const state = new CellState(cluster);
  const before = state.fragmentShare;
  const startedAt = performance.now();
  const search = {
    movesMax: args.maxMoves,
    evaluationsMax: Infinity,
    seed: args.seed,
    swapShare: 0.2,
    attempts: 40,
    startTemperature: 1,
    elapsedShare: () => (performance.now() - startedAt) / 1000 / args.seconds,
  };
  new Annealer(state, search).run(search);
  const moves = inOrder(cluster, state);
  const seconds = (performance.now() - startedAt) / 1000;
  return {
    cluster: cluster.cluster_name,
    hosts: cluster.host_info.length,
    vms: cluster.vm_instance.length,
    before,
    after: moves.fragmentShare,
    migrations: moves.count,
    withoutOrder: moves.withoutOrder,
    seconds,
  };
}

/** Replays the moves one after the other, each into room that is there at that moment. */
function inOrder(cluster: ClusterFile, target: CellState) {
  const replay = new CellState(cluster);
  let pending = Array.from(target.hostOf.keys()).filter(
    (vm) => target.hostOf[vm] !== replay.hostOf[vm],
  );
  let count = 0;
  for (let progress = true; progress;) {
    const left = pending.filter((vm) => {
      const host = target.hostOf[vm] ?? 0;
      if (!replay.canMove(vm, host)) return true;
      replay.move(vm, host);
      count++;
      return false;
    });
    progress = left.length < pending.length;
    pending = left;
  }
  return { count, withoutOrder: pending.length, fragmentShare: replay.fragmentShare };
}

/** Each host is three places: its first cell, its second, and both for VMs that are laid out over two. */
class CellState implements SearchState {
  readonly vmCount: number;
  readonly hostCount: number;
  readonly hostOf: Int32Array;
  readonly origin: Int32Array;
  readonly movable: Uint8Array;
  readonly open: Uint8Array;
  readonly #freeCpus: Float64Array;
  readonly #freeMemory: Float64Array;
  /** By VM: what it takes of each of its cells, and how many they are. */
  readonly #cpus: Float64Array;
  readonly #memory: Float64Array;
  readonly #cells: Uint8Array;
  #cost = 0;

  constructor(cluster: ClusterFile) {
    const { host_info: hosts, vm_instance: vms } = cluster;
    const indexOf = new Map(hosts.map((host, index) => [host.node_id, index]));
    this.vmCount = vms.length;
    this.hostCount = hosts.length * 3;
    this.#cells = Uint8Array.from(vms, (vm) => vm.numa.length);
    this.#cpus = Float64Array.from(vms, (vm) => vm.numa[0]?.cpu ?? 0);
    this.#memory = Float64Array.from(vms, (vm) => vm.numa[0]?.mem_mb ?? 0);
    this.origin = Int32Array.from(vms, (vm) => {
      const cell = vm.numa.length === 2 ? 2 : (vm.numa[0]?.node ?? 0);
      return (indexOf.get(vm.host_id) ?? 0) * 3 + cell;
    });
    this.hostOf = Int32Array.from(this.origin);
    this.movable = Uint8Array.from(vms, (vm) => (vm.allow_migration ? 1 : 0));
    this.open = new Uint8Array(this.hostCount).fill(1);
    const cells = hosts.flatMap((host) => host.numa.toSorted((a, b) => a.node - b.node));
    this.#freeCpus = Float64Array.from(cells, (cell) => cell.free_cpu);
    this.#freeMemory = Float64Array.from(cells, (cell) => cell.memory_huge_free_mb);
    this.recompute();
  }

  get cost(): number {
    return this.#cost;
  }

  /** Of all free CPUs, the share in pieces smaller than {@link PIECE}. */
  get fragmentShare(): number {
    return this.#cost / this.#freeCpus.reduce((sum, free) => sum + free, 0);
  }

  hostCost(place: number): number {
    return cellsOf(place).reduce(
      (sum, cell) => sum + ((this.#freeCpus[cell] as number) % PIECE),
      0,
    );
  }

  canMove(vm: number, to: number): boolean {
    const kind = to % 3;
    if ((this.#cells[vm] === 2) !== (kind === 2) || this.hostOf[vm] === to) return false;
    const first = Math.floor(to / 3) * 2;
    return kind === 2
      ? this.#hasRoom(vm, first) && this.#hasRoom(vm, first + 1)
      : this.#hasRoom(vm, first + kind);
  }

  costOfMove(vm: number, to: number): number {
    const from = this.hostOf[vm] as number;
    const cpus = this.#cpus[vm] as number;
    const apart = Math.floor(from / 3) !== Math.floor(to / 3) || from % 3 !== to % 3;
    return apart
      ? this.#cost + this.#pieceChange(from, cpus) + this.#pieceChange(to, -cpus)
      : this.#cost;
  }

  move(vm: number, to: number): void {
    this.#cost = this.costOfMove(vm, to);
    this.#take(vm, this.hostOf[vm] as number, 1);
    this.#take(vm, to, -1);
    this.hostOf[vm] = to;
  }

  canSwap(one: number, other: number): boolean {
    if (this.#cells[one] !== this.#cells[other]) return false;
    const cpus = (this.#cpus[one] as number) - (this.#cpus[other] as number);
    const memory = (this.#memory[one] as number) - (this.#memory[other] as number);
    return (
      this.#canGrow(this.hostOf[other] as number, cpus, memory) &&
      this.#canGrow(this.hostOf[one] as number, -cpus, -memory)
    );
  }

  costOfSwap(one: number, other: number): number {
    const cpus = (this.#cpus[one] as number) - (this.#cpus[other] as number);
    return (
      this.#cost +
      this.#pieceChange(this.hostOf[one] as number, cpus) +
      this.#pieceChange(this.hostOf[other] as number, -cpus)
    );
  }

  recompute(): void {
    this.#cost = this.#freeCpus.reduce((sum, free) => sum + (free % PIECE), 0);
  }

  #hasRoom(vm: number, cell: number): boolean {
    return (
      (this.#freeCpus[cell] as number) >= (this.#cpus[vm] as number) &&
      (this.#freeMemory[cell] as number) >= (this.#memory[vm] as number)
    );
  }

  #canGrow(place: number, cpus: number, memory: number): boolean {
    return cellsOf(place).every(
      (cell) =>
        (this.#freeCpus[cell] as number) >= cpus && (this.#freeMemory[cell] as number) >= memory,
    );
  }

  /** How the pieces change when each cell of the place has `freed` more CPUs. */
  #pieceChange(place: number, freed: number): number {
    const first = Math.floor(place / 3) * 2;
    const kind = place % 3;
    if (kind < 2) return this.#pieceOf(first + kind, freed);
    return this.#pieceOf(first, freed) + this.#pieceOf(first + 1, freed);
  }

  #pieceOf(cell: number, freed: number): number {
    const free = this.#freeCpus[cell] as number;
    return ((free + freed) % PIECE) - (free % PIECE);
  }

  #take(vm: number, place: number, sign: 1 | -1): void {
    for (const cell of cellsOf(place)) {
      this.#freeCpus[cell] = (this.#freeCpus[cell] as number) + sign * (this.#cpus[vm] as number);
      this.#freeMemory[cell] =
        (this.#freeMemory[cell] as number) + sign * (this.#memory[vm] as number);
    }
  }
}

function cellsOf(place: number): readonly number[] {
  const first = Math.floor(place / 3) * 2;
  return place % 3 === 2 ? [first, first + 1] : [first + (place % 3)];
}
