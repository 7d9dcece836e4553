/**
 * What the local search needs of an arrangement: who is where, which changes are allowed, what they cost. The
 * planner's own is {@link import("./assignment.ts").Assignment}; tests bring public problems of the same form.
 */
export interface SearchState {
  readonly vmCount: number;
  readonly hostCount: number;
  /** By VM: host index now. */
  readonly hostOf: Int32Array;
  /** By VM: host index at the start. */
  readonly origin: Int32Array;
  /** By VM: 1 when it may move. */
  readonly movable: Uint8Array;
  /** By host: 1 when VMs may be put there. */
  readonly open: Uint8Array;
  /** What is minimised. */
  readonly cost: number;
  canMove(vm: number, host: number): boolean;
  /** The cost after a move that {@link canMove} allows. */
  costOfMove(vm: number, host: number): number;
  move(vm: number, host: number): void;
  /** What of the cost is a host's own; the search looks more often where it is high. */
  hostCost?(host: number): number;
  /** Whether two VMs on different open hosts may change places. */
  canSwap(one: number, other: number): boolean;
  costOfSwap(one: number, other: number): number;
  /** Clears what rounding has left in running sums. */
  recompute(): void;
}
