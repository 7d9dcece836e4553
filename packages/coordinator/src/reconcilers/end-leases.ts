/** Tells when the lease of a virtual cluster is about to end, and then shuts the cluster down and cleans it. */
import { isMusterError, type VirtualClusterRecord } from "@muster/model";
import type { Clock, Log, Reconciler } from "@muster/runtime";
import type { EventLog } from "../events/event-log.ts";
import { put, type Ledger } from "../ledger/ledger.ts";
import type { Observations } from "../observations/observations.ts";
import type { OperationRunner } from "../operations/operation-runner.ts";
import {
  acceptClusterChange,
  activeMembers,
  type ClusterChange,
} from "../virtual-clusters/decide-change.ts";
import { planLeases } from "../virtual-clusters/plan-leases.ts";

/** Leases are hours; a refusal is tried again as often. */
const PERIOD_MS = 15_000;
/** What most guests need to shut down cleanly. Whoever took a lease agreed to its end: then the plug is pulled. */
const GRACE_MS = 120_000;
const REQUESTED_BY = "muster";

export interface EndLeasesParts {
  readonly ledger: Ledger;
  readonly observations: Observations;
  readonly runner: OperationRunner;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly log: Log;
}

export function endLeases(parts: EndLeasesParts): Reconciler {
  const { ledger, observations, clock } = parts;
  return {
    name: "end-leases",
    periodMs: PERIOD_MS,
    async reconcile() {
      const isActive = (cluster: VirtualClusterRecord): boolean =>
        activeMembers(cluster, { view: ledger.view, observations }).length > 0;
      for (const step of planLeases(ledger.view, clock.wall().getTime(), isActive)) {
        if (step.kind === "warn") await warn(parts, step);
        else await begin(parts, step.cluster, step.kind);
      }
    },
  };
}

async function warn(
  { ledger, events, clock }: EndLeasesParts,
  { cluster, leftMs }: { readonly cluster: VirtualClusterRecord; readonly leftMs: number },
): Promise<void> {
  const isTold = await ledger.transact((view) => {
    const now = view.virtualClusters.get(cluster.name);
    // Somebody may have prolonged it in the meantime.
    if (now?.lease === undefined || now.lease.endsAt !== cluster.lease?.endsAt) {
      return { changes: [], result: false };
    }
    const lease = { ...now.lease, warnedAt: clock.wall().toISOString() };
    return { changes: [put("virtual-cluster", { ...now, lease })], result: true };
  });
  if (!isTold) return;
  const minutes = String(Math.max(1, Math.round(leftMs / 60_000)));
  events.record({
    kind: "lease-ends-soon",
    subject: `virtual-cluster/${cluster.name}`,
    message: `its lease ends in ${minutes} min: it is shut down and cleaned then; to keep it: muster cluster lease ${cluster.name} 8h`,
  });
}

async function begin(
  { ledger, runner, observations, events, log, clock }: EndLeasesParts,
  cluster: VirtualClusterRecord,
  change: ClusterChange,
): Promise<void> {
  const { name } = cluster;
  const about = {
    subject: `virtual-cluster/${name}`,
    reason: `its lease ended ${cluster.lease?.endsAt ?? ""}`,
    requestedBy: REQUESTED_BY,
    requestId: "",
  };
  const wanted = { name, change, graceMs: GRACE_MS, force: true };
  try {
    await runner.submit({ requestId: "", type: `cluster-${change}` }, (view) => {
      const now = view.virtualClusters.get(name);
      const endsMs = Date.parse(now?.lease?.endsAt ?? "");
      // Prolonged between the look and its turn.
      if (!(endsMs <= clock.wall().getTime())) throw new ProlongedLease();
      return acceptClusterChange(view, wanted, { observations, about });
    });
    events.record({
      kind: "lease-ended",
      subject: about.subject,
      message: `its lease has ended: ${change === "clean" ? "it is removed" : "it is shut down"}`,
    });
  } catch (error) {
    if (error instanceof ProlongedLease || !ledger.view.virtualClusters.has(name)) return;
    if (!isMusterError(error)) throw error;
    log.warn({ cluster: name, change, err: error }, "lease cannot be ended yet");
  }
}

class ProlongedLease extends Error {}
