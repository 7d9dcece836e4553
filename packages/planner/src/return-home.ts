import type { MotionOptions } from "./drain.ts";
import { MoveBook } from "./move-book.ts";
import { DEFAULT_MOTION_LIMITS, type MotionPlan } from "./motion.ts";
import { scheduleMoves } from "./schedule.ts";
import type { Snapshot } from "./snapshot.ts";

/**
 * Brings VMs back to their homes, with swaps and stops on the way where two are in each other's place.
 * @param homes only VMs whose home is one of these hosts; default all.
 */
export function planReturnHome(
  snapshot: Snapshot,
  options: MotionOptions & { readonly homes?: readonly string[] } = {},
): MotionPlan {
  const homes = options.homes === undefined ? undefined : new Set(options.homes);
  const wanted = snapshot.vms
    .filter((vm) => vm.hostId !== undefined && vm.movable !== false)
    .flatMap((vm) =>
      vm.homeHostId === undefined ||
      vm.homeHostId === vm.hostId ||
      homes?.has(vm.homeHostId) === false
        ? []
        : [{ vmId: vm.id, toHostId: vm.homeHostId, memoryBytes: vm.memoryBytes }],
    )
    .sort((a, b) => Number(b.memoryBytes - a.memoryBytes) || (a.vmId < b.vmId ? -1 : 1));
  const limits = { ...DEFAULT_MOTION_LIMITS, hopsMax: wanted.length, ...options.limits };
  return scheduleMoves(
    new MoveBook(snapshot),
    wanted.map(({ vmId, toHostId }) => ({ vmId, toHostId })),
    limits,
  );
}
