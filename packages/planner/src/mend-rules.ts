import { byPriorityThenSize, evacuate, type EvacuationPlan } from "./evacuate.ts";
import type { MotionOptions } from "./drain.ts";
import { MoveBook } from "./move-book.ts";
import { DEFAULT_MOTION_LIMITS } from "./motion.ts";
import type { Snapshot, VmSnapshot } from "./snapshot.ts";

/**
 * Moves VMs that break a required rule of their group where they are, the small and unimportant first, until the rules
 * are kept. Those for which no host can be found stay and are named.
 */
export function planRuleMending(snapshot: Snapshot, options: MotionOptions = {}): EvacuationPlan {
  const book = new MoveBook(snapshot);
  const breaksRule = (vm: VmSnapshot): boolean => {
    const hostId = book.hostOf(vm.id);
    if (hostId === undefined) return false;
    return book.planner.whyNot({ vm }, hostId).some(({ check }) => check === "group-rules");
  };
  return evacuate(book, snapshot.vms.filter(breaksRule), {
    limits: { ...DEFAULT_MOTION_LIMITS, ...options.limits },
    isLive: true,
    mustMove: breaksRule,
    order: (one, other) => -byPriorityThenSize(one, other),
  });
}
