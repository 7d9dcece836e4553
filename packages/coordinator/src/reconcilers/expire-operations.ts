/** Forgets operations that ended long ago, so that the history does not grow for ever. */
import { isEnded, type OperationRecord } from "@muster/model";
import type { Clock, Reconciler } from "@muster/runtime";
import { remove, type Ledger } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import { TRANSACTION_RECORDS_MAX } from "../store/store.ts";

/** Kept whatever their age, so that a quiet cluster still has a history. */
const OPERATIONS_KEPT_MIN = 1_000;
const OPERATIONS_KEPT_MS = 90 * 24 * 3_600_000;
/** Kept at most: beyond it a busy cluster's memory and start-up time would grow without end. */
const OPERATIONS_KEPT_MAX = 20_000;
const PERIOD_MS = 3_600_000;

/** Pure. Oldest first. */
export function expiredOperations(view: LedgerView, wallMs: number): readonly OperationRecord[] {
  const ended = [...view.operations.values()].filter((operation) => isEnded(operation.state));
  const surplus = Math.max(0, view.operations.size - OPERATIONS_KEPT_MAX);
  const spare = Math.max(0, view.operations.size - OPERATIONS_KEPT_MIN);
  return ended.filter((operation, index) => {
    if (index < surplus) return true;
    return (
      index < spare &&
      Date.parse(operation.endedAt ?? operation.createdAt) + OPERATIONS_KEPT_MS < wallMs
    );
  });
}

export function expireOperations(parts: {
  readonly ledger: Ledger;
  readonly clock: Clock;
}): Reconciler {
  const { ledger, clock } = parts;
  return {
    name: "expire-operations",
    periodMs: PERIOD_MS,
    async reconcile() {
      let left = 0;
      do {
        left = await ledger.transact((view) => {
          const expired = expiredOperations(view, clock.wall().getTime());
          const now = expired.slice(0, TRANSACTION_RECORDS_MAX);
          const changes = now.map((operation) => remove("operation", operation));
          return { changes, result: expired.length - now.length };
        });
      } while (left > 0);
    },
  };
}
