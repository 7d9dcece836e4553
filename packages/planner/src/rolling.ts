import { withCordon, type MotionOptions } from "./drain.ts";
import { evacuate, vmsOn, type EvacuationPlan, type StuckVm } from "./evacuate.ts";
import { MoveBook } from "./move-book.ts";
import { DEFAULT_MOTION_LIMITS } from "./motion.ts";
import type { HostSnapshot, Snapshot } from "./snapshot.ts";

export interface RollingPlan {
  /** Hosts of one group may be down together; their VMs return before the next group starts. */
  readonly groups: readonly RollingGroup[];
  /** Hosts that cannot be emptied even alone. */
  readonly blocked: readonly { readonly hostId: string; readonly stuck: readonly StuckVm[] }[];
  /** Hosts that were not looked at any more when the time was over. */
  readonly notReached: readonly string[];
}

export interface RollingGroup {
  readonly hostIds: readonly string[];
  readonly plan: EvacuationPlan;
}

export interface RollingOptions extends MotionOptions {
  /** Hosts to work on; default every online one. */
  readonly hostIds?: readonly string[];
  /** Hosts down at once; more finish sooner and leave less room for surprises. */
  readonly groupMax?: number;
  /** From 0 to 1; at 1 the groups found so far come back. */
  readonly elapsedShare?: () => number;
}

/**
 * Splits the hosts into groups that can be emptied, worked on and filled again one after the other. Each
 * group takes in hosts, the emptiest first, as long as all their VMs find room on hosts outside it.
 */
export function planRolling(snapshot: Snapshot, options: RollingOptions = {}): RollingPlan {
  const asked = options.hostIds === undefined ? undefined : new Set(options.hostIds);
  const limits = { ...DEFAULT_MOTION_LIMITS, ...options.limits };
  const groupMax = options.groupMax ?? Infinity;
  let waiting = emptiestFirst(snapshot).filter(
    (host) => host.state === "online" && asked?.has(host.id) !== false,
  );
  const groups: RollingGroup[] = [];
  const blocked: { hostId: string; stuck: readonly StuckVm[] }[] = [];
  const drain = (hostIds: ReadonlySet<string>) =>
    evacuate(new MoveBook(withCordon(snapshot, hostIds)), vmsOn(snapshot, hostIds), {
      limits,
      isLive: true,
    });
  const isTimeOver = () => (options.elapsedShare?.() ?? 0) >= 1;
  while (waiting.length > 0 && !isTimeOver()) {
    const first = waiting[0];
    if (first === undefined) break;
    const alone = drain(new Set([first.id]));
    waiting = waiting.slice(1);
    if (alone.stuck.length > 0) {
      blocked.push({ hostId: first.id, stuck: alone.stuck });
      continue;
    }
    const { hostIds, plan } = grow([first.id], {
      waiting,
      groupMax,
      alone,
      drain,
      isTimeOver,
    });
    groups.push({ hostIds, plan });
    waiting = waiting.filter((host) => !hostIds.includes(host.id));
  }
  return { groups, blocked, notReached: waiting.map((host) => host.id) };
}

/** Doubles what it tries to add while that works and halves it when it does not. */
function grow(
  start: readonly string[],
  from: {
    readonly waiting: readonly HostSnapshot[];
    readonly groupMax: number;
    readonly alone: EvacuationPlan;
    readonly drain: (hostIds: ReadonlySet<string>) => EvacuationPlan;
    readonly isTimeOver: () => boolean;
  },
): RollingGroup {
  let hostIds = start;
  let plan = from.alone;
  let rest = from.waiting;
  let batch = 1;
  while (rest.length > 0 && hostIds.length < from.groupMax && !from.isTimeOver()) {
    const size = Math.min(batch, rest.length, from.groupMax - hostIds.length);
    const trial = [...hostIds, ...rest.slice(0, size).map((host) => host.id)];
    const found = from.drain(new Set(trial));
    if (found.stuck.length === 0) {
      hostIds = trial;
      plan = found;
      rest = rest.slice(size);
      batch *= 2;
    } else if (size > 1) {
      batch = Math.floor(size / 2);
    } else {
      // This one does not fit any more, and the rest is fuller.
      break;
    }
  }
  return { hostIds, plan };
}

function emptiestFirst(snapshot: Snapshot): readonly HostSnapshot[] {
  const used = new Map<string, bigint>();
  for (const vm of snapshot.vms) {
    if (vm.hostId !== undefined) used.set(vm.hostId, (used.get(vm.hostId) ?? 0n) + vm.memoryBytes);
  }
  return snapshot.hosts.toSorted(
    (a, b) => Number((used.get(a.id) ?? 0n) - (used.get(b.id) ?? 0n)) || (a.id < b.id ? -1 : 1),
  );
}
