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
 * policy to survive failures holds for each of them.
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
    // VMs are only added, so a host that failed to survive once will not do so later.
    const closed = new Uint8Array(snapshot.hosts.length);
    for (let count = 0; ; count++) {
      outOfTime ||= (options.elapsedShare?.() ?? 0) >= 1;
      if (count >= countMax || outOfTime) return { shape, count, refusedByCheck: [] };
      const id = `capacity-${tier + 1}-${count + 1}`;
      const vm: RequestedVm = { ...shape, id, name: id };
      const hostId = planner.placeQuietly({ vm }, { closed });
      if (hostId === undefined) {
        const answer = planner.place({ vm });
        return { shape, count, refusedByCheck: answer.refusedByCheck };
      }
      byHost.set(hostId, (byHost.get(hostId) ?? 0) + 1);
    }
  });
  return {
    tiers,
    byHost: [...byHost]
      .map(([hostId, count]) => ({ hostId, count }))
      .sort((a, b) => (a.hostId < b.hostId ? -1 : 1)),
    outOfTime,
  };
}
