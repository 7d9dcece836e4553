/** The audit trail as the CLI shows it. Field names are those of `-o json`: a contract with scripts. */
import type { AuditEntry } from "@muster/proto/admin";

export interface AuditChangeView {
  readonly thing: string;
  readonly before: string;
  readonly after: string;
}

export interface AuditView {
  readonly id: string;
  readonly at: string;
  readonly who: string;
  readonly from: string;
  readonly call: string;
  readonly why: string;
  readonly changes: readonly AuditChangeView[];
}

export const decodeAudit = ({ id, at, who, from, call, why, changes }: AuditEntry): AuditView => ({
  id,
  at,
  who,
  from,
  call,
  why,
  changes: changes.map(({ thing, before, after }) => ({ thing, before, after })),
});
