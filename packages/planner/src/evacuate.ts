/**
 * Finds new hosts for a set of VMs whose hosts are to be left or are lost. Nothing is placed on the hosts
 * that are left, so room never comes from a move that must go first. A rule over racks or sites is another
 * matter: a VM may go to a rack only because one of its group has left it. So VMs of one group move one after
 * another, in the order of the decisions; for all others any order is safe, and the limits alone make the waves.
 */
import type { NoPlacement, PlaceOptions, Placement } from "./answer.ts";
import type { MoveBook } from "./move-book.ts";
import {
  totalsOf,
  type MotionLimits,
  type MotionPlan,
  type MoveCost,
  type PlannedMove,
} from "./motion.ts";
import type { Snapshot, VmSnapshot } from "./snapshot.ts";
import { WaveBudget } from "./wave-budget.ts";

export interface EvacuationPlan extends MotionPlan {
  /** Why each VM goes where it goes, in the order of the decisions. */
  readonly choices: readonly Placement[];
  /** VMs that can go nowhere, each with every reason of every host. */
  readonly stuck: readonly StuckVm[];
}

export interface StuckVm {
  readonly vmId: string;
  readonly vmName: string;
  readonly hostId: string;
  readonly why:
    | { readonly kind: "not-movable" }
    /** The volumes were on storage that went with the host. */
    | { readonly kind: "volumes-lost"; readonly storages: readonly string[] }
    | { readonly kind: "no-host"; readonly answer: NoPlacement };
}

/** The most important first, then the largest: a large VM placed late may find only crumbs. */
export const byPriorityThenSize = (a: VmSnapshot, b: VmSnapshot): number =>
  (b.priority ?? 0) - (a.priority ?? 0) ||
  Number(b.memoryBytes - a.memoryBytes) ||
  b.cpus - a.cpus ||
  (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

export function evacuate(
  book: MoveBook,
  vms: readonly VmSnapshot[],
  how: {
    readonly limits: MotionLimits;
    readonly isLive: boolean;
    readonly place?: PlaceOptions;
    /** Asked when a VM's turn comes; one that need not move any more stays. Default: all must. */
    readonly mustMove?: (vm: VmSnapshot) => boolean;
    /** Default {@link byPriorityThenSize}. */
    readonly order?: (one: VmSnapshot, other: VmSnapshot) => number;
  },
): EvacuationPlan {
  const choices: Placement[] = [];
  const stuck: StuckVm[] = [];
  const decided: DecidedMove[] = [];
  for (const vm of vms.toSorted(how.order ?? byPriorityThenSize)) {
    if (how.mustMove?.(vm) === false) continue;
    const named = { vmId: vm.id, vmName: vm.name, hostId: vm.hostId ?? "" };
    if (how.isLive && vm.movable === false) {
      stuck.push({ ...named, why: { kind: "not-movable" } });
      continue;
    }
    const lost = how.isLive ? [] : book.localStorages(vm.id);
    if (lost.length > 0) {
      stuck.push({ ...named, why: { kind: "volumes-lost", storages: lost } });
      continue;
    }
    const answer = book.place(vm.id, [], how.place);
    if (!answer.ok) {
      stuck.push({ ...named, why: { kind: "no-host", answer } });
      continue;
    }
    const { hostId: toHostId } = answer;
    decided.push({ vm, toHostId, cost: book.costOf(vm.id, toHostId) });
    choices.push(answer);
    book.begin(vm.id, toHostId);
    book.end(vm.id, toHostId);
  }
  const moves = inWaves(book, decided, how.limits);
  return {
    snapshotVersion: book.planner.snapshotVersion,
    moves,
    waveCount: moves.at(-1)?.wave ?? 0,
    dropped: [],
    totals: totalsOf(moves),
    choices,
    stuck,
  };
}

interface DecidedMove {
  readonly vm: VmSnapshot;
  readonly toHostId: string;
  readonly cost: MoveCost;
}

/** VMs of the hosts, by id of the host. */
export function vmsOn(snapshot: Snapshot, hostIds: ReadonlySet<string>): readonly VmSnapshot[] {
  return snapshot.vms.filter((vm) => vm.hostId !== undefined && hostIds.has(vm.hostId));
}

function inWaves(
  book: MoveBook,
  decided: readonly DecidedMove[],
  limits: MotionLimits,
): readonly PlannedMove[] {
  const moves: PlannedMove[] = [];
  let pending = decided;
  for (let wave = 1; pending.length > 0; wave++) {
    const budget = new WaveBudget(book, limits);
    const groupsAhead = new Set<string>();
    pending = pending.filter(({ vm, toHostId, cost }) => {
      const fromHostId = vm.hostId ?? "";
      const mustWait = vm.groups?.some((group) => groupsAhead.has(group)) === true;
      for (const group of vm.groups ?? []) groupsAhead.add(group);
      if (mustWait || !budget.take({ vmId: vm.id, fromHostId, toHostId })) return true;
      moves.push({
        step: moves.length + 1,
        wave,
        vmId: vm.id,
        vmName: vm.name,
        fromHostId,
        toHostId,
        isHop: false,
        cost,
      });
      return false;
    });
  }
  return moves;
}
