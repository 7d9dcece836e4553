/** A planner's answer as tables and sentences that a person can judge, beside the answer itself. */
import {
  renderRefusal,
  renderRefusals,
  type MotionPlan,
  type Snapshot,
  type StuckVm,
} from "@muster/planner";

import type { PlanDraft } from "./plan-draft.ts";

export interface PlanReport {
  readonly sections: readonly PlanSection[];
  /** The planner's own answer: plain data without bigint. */
  readonly answer: unknown;
  /** True: the time was over before the search was. */
  readonly outOfTime: boolean;
  /** What can be kept as plans; absent: the question was not about moves of VMs that run. */
  readonly drafts?: readonly PlanDraft[];
}

export interface PlanSection {
  readonly title: string;
  readonly lines: readonly string[];
  readonly moves: readonly ReportedMove[];
  /** All waves one after the other, predicted. */
  readonly seconds: number;
  readonly stuck: readonly ReportedStuck[];
  /** True: the moves are VMs that start anew; nothing is sent. */
  readonly isRestart: boolean;
  /** New VMs by host. */
  readonly counts: readonly { readonly name: string; readonly count: number }[];
}

export interface ReportedMove {
  readonly step: number;
  readonly wave: number;
  readonly vm: string;
  readonly fromHost: string;
  readonly toHost: string;
  readonly isHop: boolean;
  readonly memoryMiB: number;
  readonly volumesMiB: number;
  readonly seconds: number;
  readonly downtimeMs: number;
  readonly converges: boolean;
}

export interface ReportedStuck {
  readonly vm: string;
  readonly host: string;
  readonly reasons: readonly string[];
}

export const section = (fields: Partial<PlanSection>): PlanSection => ({
  title: "",
  lines: [],
  moves: [],
  seconds: 0,
  stuck: [],
  isRestart: false,
  counts: [],
  ...fields,
});

/** Names of the snapshot's hosts; an unknown id is its own name. */
export function hostNames(snapshot: Snapshot): (hostId: string) => string {
  const names = new Map(snapshot.hosts.map((host) => [host.id, host.name]));
  return (hostId) => names.get(hostId) ?? hostId;
}

export function motionSection(
  snapshot: Snapshot,
  plan: MotionPlan & { readonly stuck?: readonly StuckVm[] },
  fields: Partial<PlanSection> = {},
): PlanSection {
  const nameOf = hostNames(snapshot);
  const dropped = plan.dropped.map((move) => ({
    vm: move.vmName,
    host: nameOf(move.fromHostId),
    reasons: move.refusals.map((refusal) => `${nameOf(move.toHostId)}: ${renderRefusal(refusal)}`),
  }));
  return section({
    moves: plan.moves.map(({ step, wave, vmName, isHop, cost, ...move }) => ({
      step,
      wave,
      vm: vmName,
      fromHost: nameOf(move.fromHostId),
      toHost: nameOf(move.toHostId),
      isHop,
      ...cost,
    })),
    seconds: plan.totals.seconds,
    stuck: [...(plan.stuck ?? []).map((stuck) => reportStuck(snapshot, stuck)), ...dropped],
    ...fields,
  });
}

export function reportStuck(snapshot: Snapshot, stuck: StuckVm): ReportedStuck {
  const host = hostNames(snapshot)(stuck.hostId);
  return { vm: stuck.vmName, host, reasons: reasonsOf(snapshot, stuck) };
}

function reasonsOf(snapshot: Snapshot, { vmId, why }: StuckVm): readonly string[] {
  switch (why.kind) {
    case "not-movable": {
      const state = snapshot.vms.find(({ id }) => id === vmId)?.state;
      return [
        state === "running" || state === "paused"
          ? "it cannot move live"
          : `it is ${state ?? "not known"}: only a running VM moves live`,
      ];
    }
    case "volumes-lost":
      return [`its volumes are on ${why.storages.join(", ")}, which only that host has`];
    case "no-host":
      return renderRefusals(why.answer, { all: true });
  }
}
