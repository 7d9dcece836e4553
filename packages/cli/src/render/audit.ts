/** The audit trail for people. PURE. */
import type { AuditView } from "../view/audit.ts";
import type { Paint } from "./style.ts";
import { renderTable, type Column } from "./table.ts";

/** Things named in one line; the export has all of them. */
const THINGS_SHOWN_MAX = 3;

function things({ changes }: AuditView): string {
  const shown = changes.slice(0, THINGS_SHOWN_MAX).map(({ thing }) => thing);
  const more = changes.length - shown.length;
  return more > 0 ? `${shown.join(", ")} and ${String(more)} more` : shown.join(", ");
}

const columns: readonly Column<AuditView>[] = [
  { title: "TIME", cell: ({ at }) => at },
  { title: "WHO", cell: ({ who }) => who },
  { title: "FROM", cell: ({ from }) => from },
  { title: "CALL", cell: ({ call }) => call },
  { title: "CHANGED", cell: things },
  { title: "BECAUSE", cell: ({ why }) => why },
];

export const renderAudit = (entries: readonly AuditView[], paint: Paint): string =>
  renderTable(columns, entries, paint);
