import type { Arrangement } from "./arrangement.ts";

/** Decides whether a change of the cost is taken. */
export type Accepts = (change: number) => boolean;

/**
 * The smallest changes there are: a VM moves, two change places, and, when the allowance of moves is used up,
 * one returns home so that another may leave.
 */
export class SingleSteps {
  readonly #arrangement: Arrangement;
  readonly #accepts: Accepts;
  readonly #swapShare: number;
  /** By host: movable VMs that began there. */
  readonly #atHome: readonly Int32Array[];

  constructor(arrangement: Arrangement, accepts: Accepts, swapShare: number) {
    this.#arrangement = arrangement;
    this.#accepts = accepts;
    this.#swapShare = swapShare;
    const { state, movable } = arrangement;
    const atHome: number[][] = Array.from({ length: state.hostCount }, () => []);
    for (const vm of movable) atHome[state.origin[vm] as number]?.push(vm);
    this.#atHome = atHome.map((vms) => Int32Array.from(vms));
  }

  step(): void {
    const { random, isFull } = this.#arrangement;
    const vm = this.#someVm();
    if (random.next() < this.#swapShare) {
      const other = isFull ? this.#arrangement.someMovedVm() : this.#partnerOf(vm);
      if (other >= 0) this.#trySwap(vm, other);
    } else if (!isFull || this.#arrangement.hasMoved(vm)) {
      this.#tryMove(vm);
    } else if (random.next() < 0.5) {
      this.#tryExchange(vm);
    } else {
      this.#trySubstitute();
    }
  }

  /** Where hosts have costs of their own, often a VM of a dear one. */
  #someVm(): number {
    const { state, random, occupants } = this.#arrangement;
    if (state.hostCost !== undefined && random.next() < DEAR_SHARE) {
      const vm = occupants.pick(this.#arrangement.dearHost(), random);
      if (vm >= 0 && state.movable[vm] === 1) return vm;
    }
    return this.#arrangement.someVm();
  }

  /** Somebody on a host that could take the VM, or -1. */
  #partnerOf(vm: number): number {
    const { state, random, occupants } = this.#arrangement;
    const host = this.#arrangement.someHostFor(vm);
    if (host < 0 || host === state.hostOf[vm]) return -1;
    const other = occupants.pick(host, random);
    return other >= 0 && state.movable[other] === 1 ? other : -1;
  }

  #tryMove(vm: number): void {
    const { state } = this.#arrangement;
    const host = this.#arrangement.someHostFor(vm);
    if (host < 0 || host === state.hostOf[vm]) return;
    const change = state.moveChange(vm, host) + this.#arrangement.pullChange(vm, host);
    if (this.#accepts(change)) this.#arrangement.move(vm, host);
  }

  /** Another VM returns home so that this one may leave. */
  #tryExchange(vm: number): void {
    const host = this.#arrangement.someHostFor(vm);
    if (host < 0 || this.#arrangement.state.hostOf[vm] === host) return;
    this.#tryPair(this.#arrangement.someMovedVm(), vm, host);
  }

  /** Another VM of the same home takes over the move of one that has moved. */
  #trySubstitute(): void {
    const { state, random } = this.#arrangement;
    const returning = this.#arrangement.someMovedVm();
    const siblings = this.#atHome[state.origin[returning] as number] as Int32Array;
    const vm = siblings[random.below(siblings.length)] as number;
    if (this.#arrangement.hasMoved(vm)) return;
    this.#tryPair(returning, vm, state.hostOf[returning] as number);
  }

  #tryPair(returning: number, vm: number, host: number): void {
    const { state } = this.#arrangement;
    const was = state.hostOf[returning] as number;
    const home = state.origin[returning] as number;
    if (state.moveChange(returning, home) === Infinity) return;
    const before = this.#arrangement.height;
    this.#arrangement.move(returning, home);
    const second = state.moveChange(vm, host) + this.#arrangement.pullChange(vm, host);
    if (this.#accepts(this.#arrangement.height - before + second)) this.#arrangement.move(vm, host);
    else this.#arrangement.move(returning, was);
  }

  #trySwap(one: number, other: number): void {
    const { state, movedCount, movesMax } = this.#arrangement;
    const { origin, open } = state;
    const a = state.hostOf[one] as number;
    const b = state.hostOf[other] as number;
    if (a === b || open[a] === 0 || open[b] === 0) return;
    const movedAfter =
      movedCount +
      Number(origin[one] !== b) -
      Number(origin[one] !== a) +
      Number(origin[other] !== a) -
      Number(origin[other] !== b);
    if (movedAfter > movesMax) return;
    const pull = this.#arrangement.pullChange(one, b) + this.#arrangement.pullChange(other, a);
    if (!this.#accepts(state.swapChange(one, other) + pull)) return;
    this.#arrangement.move(one, b);
    this.#arrangement.move(other, a);
  }
}

/** Share of steps that begin on a host chosen for its cost. */
const DEAR_SHARE = 0.5;
