import type { CheckCount } from "./answer.ts";
import { Planner } from "./planner.ts";
import type { RequestedVm, Snapshot, VmShape } from "./snapshot.ts";

export interface CapacityOptions {
  /** Stop counting here; nobody plans for more. */
  readonly countMax?: number;
  /** From 0 to 1; at 1 the count so far comes back. */
  readonly elapsedShare?: () => number;
}

export interface CapacityAnswer {
  /** For each shape, in the order asked, how many more fit after those before it were counted. */
  readonly tiers: readonly {
    readonly shape: VmShape;
    readonly count: number;
    /** Why the next one would not fit, by number of hosts; empty when the count was stopped. */
    readonly refusedByCheck: readonly CheckCount[];
  }[];
  /** New VMs by host. */
  readonly byHost: readonly { readonly hostId: string; readonly count: number }[];
  /** True: the time was over before the count was. */
  readonly outOfTime: boolean;
}

/** A bound on runaway questions: a zero-sized shape would fit for ever. */
const COUNT_MAX = 1_000_000;

/**
 * How many more VMs of these shapes would be placed, one after the other, by the same rules as real ones. A
 * policy to survive failures holds for each of them. Which of the hosts that could take a VM gets it is decided a
 * little less exactly than for a real one: see {@link import("./filling.ts").Filling}.
 */
export function capacity(
  snapshot: Snapshot,
  shapes: readonly VmShape[],
  options: CapacityOptions = {},
): CapacityAnswer {
  const planner = new Planner(snapshot);
  const countMax = options.countMax ?? COUNT_MAX;
  const byHost = new Map<string, number>();
  let outOfTime = false;
  const tiers = shapes.map((shape, tier) => {
    const prefix = `capacity-${tier + 1}-`;
    const vm: RequestedVm = { ...shape, id: prefix, name: prefix };
    let wasStopped = false;
    const found = planner.fill(vm, (placed) => {
      outOfTime ||= (options.elapsedShare?.() ?? 0) >= 1;
      wasStopped = placed >= countMax || outOfTime;
      return wasStopped ? undefined : `${prefix}${placed + 1}`;
    });
    let count = 0;
    for (const [hostId, vms] of found) {
      count += vms;
      byHost.set(hostId, (byHost.get(hostId) ?? 0) + vms);
    }
    return { shape, count, refusedByCheck: wasStopped ? [] : planner.place({ vm }).refusedByCheck };
  });
  return {
    tiers,
    byHost: [...byHost]
      .map(([hostId, count]) => ({ hostId, count }))
      .sort((a, b) => (a.hostId < b.hostId ? -1 : 1)),
    outOfTime,
  };
}
