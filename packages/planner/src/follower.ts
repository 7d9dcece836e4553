import { Planner } from "./planner.ts";
import type { Snapshot } from "./snapshot.ts";

/**
 * Keeps the accounts of one cluster open from snapshot to snapshot: a question then pays for what has changed since the
 * one before, not for the whole cluster.
 */
export class PlannerFollower {
  #planner: Planner | undefined;

  /** The accounts of the snapshot, for questions; whoever claims opens accounts of his own. */
  follow(snapshot: Snapshot): Planner {
    if (this.#planner?.follow(snapshot) !== true) {
      // Accounts that could not follow are spoilt, and so are those of which opening fails.
      this.#planner = undefined;
      this.#planner = new Planner(snapshot);
    }
    return this.#planner;
  }
}

const known = new WeakMap<Snapshot, () => Planner>();

/** For the keeper of snapshots: `place` and `whyNot` about this value need not open its accounts. */
export function noteAccounts(snapshot: Snapshot, open: () => Planner): void {
  known.set(snapshot, open);
}

export const keptAccountsOf = (snapshot: Snapshot): Planner | undefined => known.get(snapshot)?.();
