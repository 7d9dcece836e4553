/** Promises about plans, rules and claims, checked at every change of what is decided. */
import type { LedgerView } from "@muster/coordinator";
import {
  canMovePlan,
  isEnded,
  type HostRecord,
  type PlanRecord,
  type PlanState,
} from "@muster/model";

export class PlanWatch {
  readonly #states = new Map<string, PlanState>();

  /** Another coordinator leads. */
  follow(view: LedgerView): void {
    for (const { id, state } of view.plans.values()) this.#states.set(id, state);
  }

  /** A plan's states go forward only, and one that runs has an operation that runs. */
  check(plan: PlanRecord, view: LedgerView): readonly string[] {
    const { id, state, operationId } = plan;
    const before = this.#states.get(id);
    this.#states.set(id, state);
    const broken: string[] = [];
    if (before !== undefined && before !== state && !canMovePlan(before, state)) {
      broken.push(`plans: ${id} went from ${before} to ${state}`);
    }
    if (state === "running") {
      const operation = operationId === undefined ? undefined : view.operations.get(operationId);
      if (operation === undefined || isEnded(operation.state)) {
        broken.push(`plans: ${id} runs and its operation does not`);
      }
    }
    return broken;
  }
}

/** Room that claims hold on a host: counted as VMs are. */
export function claimedOn(host: HostRecord, view: LedgerView) {
  const claims = [...view.claims.values()].filter(({ hostId }) => hostId === host.id);
  return {
    cpus: claims.reduce((sum, { cpus }) => sum + cpus, 0),
    memoryBytes: claims.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0n),
  };
}
