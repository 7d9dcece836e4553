/** Gives the room of claims back whose time is over and whose VM was never made. */
import type { ClaimRecord } from "@muster/model";
import type { Clock, Reconciler } from "@muster/runtime";
import type { EventLog } from "../events/event-log.ts";
import { remove, type Ledger } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";

const PERIOD_MS = 10_000;

/** Pure. */
export const expiredClaims = (view: LedgerView, wallMs: number): readonly ClaimRecord[] =>
  [...view.claims.values()].filter(({ expiresAt }) => Date.parse(expiresAt) <= wallMs);

export function expireClaims(parts: {
  readonly ledger: Ledger;
  readonly events: EventLog;
  readonly clock: Clock;
}): Reconciler {
  const { ledger, events, clock } = parts;
  return {
    name: "expire-claims",
    periodMs: PERIOD_MS,
    async reconcile() {
      if (expiredClaims(ledger.view, clock.wall().getTime()).length === 0) return;
      const expired = await ledger.transact((view) => {
        const over = expiredClaims(view, clock.wall().getTime());
        return { changes: over.map((claim) => remove("claim", claim)), result: over };
      });
      for (const { name, createdBy } of expired) {
        events.record({
          kind: "claim-expired",
          subject: `claim/${name}`,
          message: `nobody used it in time; ${createdBy} had asked for it`,
        });
      }
    },
  };
}
