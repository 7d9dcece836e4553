/** Counts operations as they end. */
import { isEnded, type OperationRecord } from "@muster/model";
import type { Coordinator } from "../coordinator.ts";
import type { CoordinatorMeters } from "../metrics/meters.ts";

/** Returns what stops the counting. */
export function countEnds({ ledger }: Coordinator, meters: CoordinatorMeters): () => void {
  const active = new Set(
    [...ledger.view.operations.values()].filter(({ state }) => !isEnded(state)).map(({ id }) => id),
  );
  return ledger.onChange((changes) => {
    for (const change of changes) {
      if (change.kind !== "operation" || change.change !== "put") continue;
      const { id, state } = change.value;
      if (!isEnded(state)) active.add(id);
      else if (active.delete(id)) count(change.value, meters);
    }
  });
}

function count(operation: OperationRecord, meters: CoordinatorMeters): void {
  const { type, state, createdAt, endedAt, migration } = operation;
  meters.operationEnded(type, state);
  if (type !== "vm-migrate") return;
  if (state !== "succeeded" && state !== "failed" && state !== "cancelled") return;
  // Both are wall-clock times: for people and graphs, never for a decision.
  const durationSeconds = Math.max(
    0,
    (Date.parse(endedAt ?? createdAt) - Date.parse(createdAt)) / 1000,
  );
  meters.migrationEnded({
    outcome: state,
    durationSeconds,
    ...(migration === undefined ? {} : { stats: migration }),
  });
}
