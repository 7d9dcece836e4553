import type { SearchState } from "../../../packages/planner/src/search/search-state.ts";

/** CPUs of the VM that free pieces are measured by. */
export const PIECE = 16;

interface CellFile {
  readonly node: number;
  readonly total_cpu: number;
  readonly free_cpu: number;
  readonly memory_huge_total_mb: number;
  readonly memory_huge_free_mb: number;
}

export interface ClusterFile {
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

/** Each host is three places: its first cell, its second, and both for VMs that are laid out over two. */
export class CellState implements SearchState {
  readonly vmCount: number;
  readonly hostCount: number;
  readonly hostOf: Int32Array;
  readonly origin: Int32Array;
  readonly movable: Uint8Array;
  readonly open: Uint8Array;
  readonly costOnlyGrows = false;
  readonly sizes: readonly Float64Array[];
  readonly pull: Float64Array;
  /** Places of VMs in one cell, and of those in two. */
  readonly #placesFor: readonly [Int32Array, Int32Array];
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
    this.sizes = [this.#cpus];
    this.pull = new Float64Array(this.vmCount);
    const places = Int32Array.from({ length: this.hostCount }, (_, place) => place);
    this.#placesFor = [places.filter((p) => p % 3 < 2), places.filter((p) => p % 3 === 2)];
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

  hostsFor(vm: number): Int32Array {
    return this.#placesFor[this.#cells[vm] === 2 ? 1 : 0];
  }

  moveChange(vm: number, to: number): number {
    if (!this.canMove(vm, to)) return Infinity;
    const cpus = this.#cpus[vm] as number;
    return this.#pieceChange(this.hostOf[vm] as number, cpus) + this.#pieceChange(to, -cpus);
  }

  joinChange(vm: number, to: number): number {
    return this.canMove(vm, to) ? this.#pieceChange(to, -(this.#cpus[vm] as number)) : Infinity;
  }

  move(vm: number, to: number): void {
    if (this.hostOf[vm] === to) return;
    this.take(vm);
    this.put(vm, to);
  }

  take(vm: number): void {
    const from = this.hostOf[vm] as number;
    this.#cost += this.#pieceChange(from, this.#cpus[vm] as number);
    this.#account(vm, from, 1);
    this.hostOf[vm] = -1;
  }

  put(vm: number, to: number): void {
    this.#cost += this.#pieceChange(to, -(this.#cpus[vm] as number));
    this.#account(vm, to, -1);
    this.hostOf[vm] = to;
  }

  isSettled(): boolean {
    return true;
  }

  swapChange(one: number, other: number): number {
    if (this.#cells[one] !== this.#cells[other]) return Infinity;
    const cpus = (this.#cpus[one] as number) - (this.#cpus[other] as number);
    const memory = (this.#memory[one] as number) - (this.#memory[other] as number);
    const [a, b] = [this.hostOf[one] as number, this.hostOf[other] as number];
    if (!this.#canGrow(b, cpus, memory) || !this.#canGrow(a, -cpus, -memory)) return Infinity;
    return this.#pieceChange(a, cpus) + this.#pieceChange(b, -cpus);
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

  #account(vm: number, place: number, sign: 1 | -1): void {
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
