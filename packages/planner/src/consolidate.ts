import type { MotionOptions } from "./drain.ts";
import { withCordon } from "./drain.ts";
import { evacuate, vmsOn, type EvacuationPlan } from "./evacuate.ts";
import { MoveBook } from "./move-book.ts";
import { DEFAULT_MOTION_LIMITS } from "./motion.ts";
import { PACKING_WEIGHTS } from "./scorer.ts";
import type { Snapshot } from "./snapshot.ts";

export interface Consolidation {
  /** In the order in which they become empty. */
  readonly emptied: readonly { readonly hostId: string; readonly plan: EvacuationPlan }[];
  /** Hosts that were empty from the start. */
  readonly alreadyEmpty: readonly string[];
  readonly moves: number;
  /** True: the time was over before every host was tried. */
  readonly outOfTime: boolean;
}

/**
 * Empties as many hosts as it can, the emptiest first, so that they can be switched off. A host is emptied
 * wholly or not at all, and the policy to survive failures keeps holding.
 */
export function planConsolidation(
  snapshot: Snapshot,
  options: MotionOptions & {
    readonly movesMax?: number;
    readonly hostsMin?: number;
    /** From 0 to 1; at 1 what was found so far comes back. */
    readonly elapsedShare?: () => number;
  } = {},
): Consolidation {
  const limits = { ...DEFAULT_MOTION_LIMITS, ...options.limits };
  const online = snapshot.hosts.filter((host) => host.state === "online" && !host.cordoned);
  const used = new Map<string, bigint>();
  for (const vm of snapshot.vms) {
    if (vm.hostId !== undefined) used.set(vm.hostId, (used.get(vm.hostId) ?? 0n) + vm.memoryBytes);
  }
  const byUse = online.toSorted(
    (a, b) => Number((used.get(a.id) ?? 0n) - (used.get(b.id) ?? 0n)) || (a.id < b.id ? -1 : 1),
  );
  const alreadyEmpty = byUse.filter((host) => !used.has(host.id)).map((host) => host.id);
  // Empty hosts are not to be filled again by what leaves others.
  const closed = new Set(alreadyEmpty);
  const emptied: { hostId: string; plan: EvacuationPlan }[] = [];
  let current = snapshot;
  let moves = 0;
  let outOfTime = false;
  for (const host of byUse) {
    if (closed.has(host.id)) continue;
    outOfTime = (options.elapsedShare?.() ?? 0) >= 1;
    if (outOfTime) break;
    if (online.length - closed.size <= Math.max(1, options.hostsMin ?? 1)) break;
    const trial = withCordon(current, new Set([...closed, host.id]));
    const leaving = vmsOn(trial, new Set([host.id]));
    if (moves + leaving.length > (options.movesMax ?? Infinity)) break;
    const place = { weights: PACKING_WEIGHTS };
    const plan = evacuate(new MoveBook(trial), leaving, { limits, isLive: true, place });
    if (plan.stuck.length > 0) continue;
    closed.add(host.id);
    emptied.push({ hostId: host.id, plan });
    moves += plan.moves.length;
    current = afterMoves(current, plan);
  }
  return { emptied, alreadyEmpty, moves, outOfTime };
}

/** The snapshot once a plan has been carried out. */
export function afterMoves(
  snapshot: Snapshot,
  plan: { readonly moves: readonly { readonly vmId: string; readonly toHostId: string }[] },
): Snapshot {
  const target = new Map(plan.moves.map((move) => [move.vmId, move.toHostId]));
  return {
    ...snapshot,
    vms: snapshot.vms.map((vm) => {
      const hostId = target.get(vm.id);
      if (hostId === undefined) return vm;
      // Which NUMA cells it gets there is for the new host to say.
      const { numaCellIds: _numaCellIds, ...rest } = vm;
      return { ...rest, hostId };
    }),
  };
}
