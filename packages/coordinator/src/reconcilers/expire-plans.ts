/** Ends plans that nobody ran in time, and forgets old ones. */
import type { Clock, Reconciler } from "@muster/runtime";
import type { Ledger } from "../ledger/ledger.ts";
import { expirePlans as planExpiry } from "../plans/keep-plan.ts";

const PERIOD_MS = 30_000;

export const expirePlans = (parts: {
  readonly ledger: Ledger;
  readonly clock: Clock;
}): Reconciler => ({
  name: "expire-plans",
  periodMs: PERIOD_MS,
  async reconcile() {
    const { ledger, clock } = parts;
    const decide = (view: Ledger["view"]) => planExpiry(view, clock.wall().getTime());
    if (decide(ledger.view).length === 0) return;
    await ledger.transact((view) => ({ changes: decide(view), result: undefined }));
  },
});
