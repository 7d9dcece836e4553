/** Says once of every operation in which nothing has moved for long: which, in which step, on which host. */
import { isEnded, type OperationId, type OperationRecord } from "@muster/model";
import type { Log, Reconciler } from "@muster/runtime";
import type { EventLog } from "../events/event-log.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { STUCK_AFTER_MS } from "../operations/live-operations.ts";
import type { OperationRunner } from "../operations/operation-runner.ts";

const PERIOD_MS = 30_000;

export interface StuckOperation {
  readonly operation: OperationRecord;
  readonly step: string;
  readonly host: string;
  readonly forMs: number;
}

/** Pure. What waits for its turn is not stuck. */
export function planStuck(
  operations: Iterable<OperationRecord>,
  stillMs: (id: OperationId) => number,
): readonly StuckOperation[] {
  return [...operations].flatMap((operation) => {
    if (isEnded(operation.state) || operation.state === "queued") return [];
    const forMs = stillMs(operation.id);
    if (forMs < STUCK_AFTER_MS) return [];
    const step =
      operation.state === "undoing"
        ? operation.steps.findLast(({ state }) => state !== "waiting" && state !== "undone")
        : operation.steps.find(({ state }) => state !== "done");
    return [{ operation, step: step?.name ?? "", host: step?.host ?? "", forMs }];
  });
}

export function watchStuck(parts: {
  readonly ledger: Ledger;
  readonly runner: OperationRunner;
  readonly events: EventLog;
  readonly log: Log;
}): Reconciler {
  const { ledger, runner, events, log } = parts;
  let told: ReadonlySet<OperationId> = new Set();
  return {
    name: "watch-stuck",
    periodMs: PERIOD_MS,
    async reconcile() {
      const stuck = planStuck(ledger.view.operations.values(), (id) => runner.stillMs(id));
      for (const { operation, step, host, forMs } of stuck) {
        if (told.has(operation.id)) continue;
        const minutes = String(Math.round(forMs / 60_000));
        const where = host === "" ? "" : ` on ${host}`;
        const { id, type, subject } = operation;
        log.warn({ operationId: id, type, subject, step, host }, "operation is stuck");
        events.record({
          kind: "operation-stuck",
          subject,
          message: `step ${step}${where} of ${id} (${type}) has not moved for ${minutes} minutes`,
          operationId: id,
          ...(host === "" ? {} : { host }),
        });
      }
      told = new Set(stuck.map(({ operation }) => operation.id));
    },
  };
}
