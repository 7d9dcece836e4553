/**
 * What the local search needs of an arrangement: who is where, which changes are allowed, what they cost. The
 * planner's own is {@link import("./assignment.ts").Assignment}; benchmarks bring public problems of the same form.
 */
export interface SearchState {
  readonly vmCount: number;
  readonly hostCount: number;
  /** By VM: host index now; -1 while it is taken out. */
  readonly hostOf: Int32Array;
  /** By VM: host index at the start. */
  readonly origin: Int32Array;
  /** By VM: 1 when it may move. */
  readonly movable: Uint8Array;
  /** By host: 1 when VMs may be put there. */
  readonly open: Uint8Array;
  /** What is minimised. */
  readonly cost: number;
  /** Measures of size by VM: the search puts large VMs back first, by one measure or another. */
  readonly sizes: readonly Float64Array[];
  /**
   * By VM: how strongly it is drawn to its origin, in temperatures. A search that is still hot scatters VMs for
   * nothing; where having moved takes room that the cost does not see, this keeps the room for moves that pay.
   */
  readonly pull: Float64Array;
  /** True when a VM that is put somewhere never lowers the cost, so that a bad start need not be finished. */
  readonly costOnlyGrows: boolean;
  /** Open hosts that could ever take the VM. */
  hostsFor(vm: number): Int32Array;
  /** How the cost would change if the VM went to another host; Infinity when a hard rule forbids it. */
  moveChange(vm: number, host: number): number;
  /** How the cost would change if two VMs on different open hosts changed places; Infinity when forbidden. */
  swapChange(one: number, other: number): number;
  /** Moves the VM without asking whether it may. */
  move(vm: number, host: number): void;
  /** Takes the VM off its host. */
  take(vm: number): void;
  /** How the cost would change if a VM that is taken out were put there; Infinity when a hard rule forbids it. */
  joinChange(vm: number, host: number): number;
  /** Puts back a VM that was taken out, without asking whether it may. */
  put(vm: number, host: number): void;
  /** Whether the VM keeps the rules that can only be judged once every VM is somewhere. */
  isSettled(vm: number): boolean;
  /**
   * By VM: those of a low rank are put back before those of a higher one, which may only go where those are.
   * Undefined where there is no such rule.
   */
  readonly rank?: Uint8Array | undefined;
  /** VMs that a rule would not leave where they are if this one, still on its host, went far away. */
  companions?(vm: number): readonly number[];
  /** What of the cost is a host's own; the search looks more often where it is high. */
  hostCost?(host: number): number;
  /** Clears what rounding has left in running sums. */
  recompute(): void;
}
