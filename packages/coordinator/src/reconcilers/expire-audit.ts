/** Forgets what the audit trail has kept long enough. */
import type { AuditRecord } from "@muster/model";
import type { Clock, Reconciler } from "@muster/runtime";
import { remove, type Ledger } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";

export interface AuditRetention {
  readonly keepMs: number;
  readonly entriesMax: number;
}

/** A quarter, as auditors ask for; at about a kilobyte each, 20,000 entries are 20 MB of memory. */
export const auditRetention: AuditRetention = { keepMs: 90 * 24 * 3_600_000, entriesMax: 20_000 };

const PERIOD_MS = 10 * 60_000;
/** In one transaction. */
const AT_ONCE_MAX = 100;

/** Pure. Oldest first. */
export function expiredAudit(
  view: LedgerView,
  retention: AuditRetention,
  wallMs: number,
): readonly AuditRecord[] {
  const surplus = Math.max(0, view.audit.size - retention.entriesMax);
  return [...view.audit.values()]
    .toSorted((one, other) => (one.id < other.id ? -1 : 1))
    .filter(({ at }, index) => index < surplus || Date.parse(at) + retention.keepMs < wallMs);
}

export function expireAudit(parts: {
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** Undefined: as above. */
  readonly retention: AuditRetention | undefined;
}): Reconciler {
  const { ledger, clock, retention = auditRetention } = parts;
  return {
    name: "expire-audit",
    periodMs: PERIOD_MS,
    async reconcile() {
      for (;;) {
        const expired = expiredAudit(ledger.view, retention, clock.wall().getTime());
        if (expired.length === 0) return;
        await ledger.transact(() => ({
          changes: expired.slice(0, AT_ONCE_MAX).map((entry) => remove("audit", entry)),
          result: undefined,
        }));
      }
    },
  };
}
