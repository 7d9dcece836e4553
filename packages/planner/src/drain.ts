import { evacuate, vmsOn, type EvacuationPlan } from "./evacuate.ts";
import { MoveBook } from "./move-book.ts";
import { DEFAULT_MOTION_LIMITS, type MotionLimits } from "./motion.ts";
import type { Snapshot } from "./snapshot.ts";

export interface MotionOptions {
  readonly limits?: Partial<MotionLimits>;
}

/** The snapshot in which these hosts are given nothing new. */
export function withCordon(snapshot: Snapshot, hostIds: ReadonlySet<string>): Snapshot {
  return {
    ...snapshot,
    hosts: snapshot.hosts.map((host) =>
      hostIds.has(host.id) ? { ...host, cordoned: true } : host,
    ),
  };
}

/** Moves every VM off the hosts. What cannot move stays and is named: a drain may fail, it may not kill. */
export function planDrain(
  snapshot: Snapshot,
  hostIds: readonly string[],
  options: MotionOptions = {},
): EvacuationPlan {
  const leaving = new Set(hostIds);
  for (const hostId of leaving) {
    if (!snapshot.hosts.some((host) => host.id === hostId)) {
      throw new Error(`there is no host ${hostId} in the snapshot`);
    }
  }
  const book = new MoveBook(withCordon(snapshot, leaving));
  const limits = { ...DEFAULT_MOTION_LIMITS, ...options.limits };
  return evacuate(book, vmsOn(snapshot, leaving), { limits, isLive: true });
}
