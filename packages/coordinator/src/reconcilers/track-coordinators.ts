/** Remembers the coordinators that are there, so that agents are told of all of them, also of those that are away later. */
import type { Reconciler } from "@muster/runtime";
import { put, type Ledger } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import type { Member } from "../store/election.ts";

/** Until a coordinator that was added is written down, agents find it through another one only: seldom more than this. */
const PERIOD_MS = 1_000;

/** Those that are new, or say something new of themselves. Pure. */
export function newCoordinators(view: LedgerView, present: readonly Member[]): readonly Member[] {
  return present.filter(({ name, version, addresses }) => {
    // Without an address nobody can be told where it is.
    if (addresses.length === 0) return false;
    const known = view.coordinators.get(name);
    return known?.version !== version || known.addresses.join() !== addresses.join();
  });
}

export function trackCoordinators(parts: {
  readonly ledger: Ledger;
  readonly members: () => Promise<readonly Member[]>;
}): Reconciler {
  const { ledger, members } = parts;
  return {
    name: "track-coordinators",
    periodMs: PERIOD_MS,
    async reconcile() {
      const present = await members();
      if (newCoordinators(ledger.view, present).length === 0) return;
      await ledger.transact((view) => ({
        changes: newCoordinators(view, present).map(({ name, version, addresses }) =>
          put("coordinator", { ...view.coordinators.get(name), name, version, addresses }),
        ),
        result: undefined,
      }));
    },
  };
}
