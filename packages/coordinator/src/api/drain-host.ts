/** Drains a host: plans the moves, cordons it, and starts the operation that carries them out. */
import { isEnded, MusterError, type HostId, type HostRecord, type VmId } from "@muster/model";
import { planDrain, snapshotHash } from "@muster/planner";
import type * as pb from "@muster/proto/admin";
import type { CallContext } from "@muster/runtime";
import { put, type RecordChange } from "../ledger/ledger.ts";
import { findHost, type LedgerView } from "../ledger/view.ts";
import type { DrainHostParameters } from "../operations/drain-host.ts";
import type { Accepted } from "../operations/operation-runner.ts";
import { moveClaimsOff, yieldChanges } from "../planning/yielding-claims.ts";
import { motionSection, type PlanSection } from "../plans/plan-report.ts";
import { decodeWhy, type ApiParts, type Why } from "./parts.ts";
import { encodeSection } from "./plans.ts";
import { about, encodeNow, snapshotOf } from "./vm-requests.ts";

export function drainHandlers(parts: ApiParts) {
  return {
    async drainHost(
      request: pb.DrainHostRequest,
      context: CallContext,
    ): Promise<pb.DrainHostResponse> {
      const operator = parts.operatorOf(context);
      const why = decodeWhy(request.why);
      if (why.dryRun) {
        const { section, hash } = decide(parts.ledger.view, request, parts);
        return { operation: undefined, plan: encodeSection(section), snapshotHash: hash };
      }
      let decision: DrainDecision | undefined;
      const operation = await parts.runner.submit(
        { requestId: why.requestId, type: "host-drain" },
        (view) => {
          decision = decide(view, request, parts);
          return accept(decision, { why, operator });
        },
      );
      return {
        operation: encodeNow(operation, parts),
        plan: decision === undefined ? undefined : encodeSection(decision.section),
        snapshotHash: decision?.hash ?? "",
      };
    },
  };
}

interface DrainDecision {
  readonly host: HostRecord;
  readonly section: PlanSection;
  readonly hash: string;
  /** Claims that wait for their VMs go elsewhere, for free. */
  readonly claimsOff: readonly RecordChange[];
  readonly parameters: DrainHostParameters;
}

function decide(view: LedgerView, request: pb.DrainHostRequest, parts: ApiParts): DrainDecision {
  const host = findHost(view, request.host);
  const subject = `host/${host.name}`;
  const other = [...view.operations.values()].findLast(
    (operation) =>
      operation.type === "host-drain" && operation.subject === subject && !isEnded(operation.state),
  );
  if (other !== undefined) {
    throw new MusterError("busy", `host ${host.name} is being drained by ${other.id}`, {
      hint: `watch it: muster op watch ${other.id}, or stop it: muster host undrain ${host.name}`,
    });
  }
  const snapshot = snapshotOf(parts);
  const plan = planDrain(snapshot, [host.id]);
  return {
    host,
    section: motionSection(snapshot, plan),
    hash: snapshotHash(snapshot),
    claimsOff: yieldChanges(view, moveClaimsOff(snapshot, new Set([host.id]))),
    parameters: {
      hostId: host.id,
      // The planner's ids are those of the ledger it was given.
      planned: plan.moves.map(({ vmId, toHostId }) => ({
        vmId: vmId as VmId,
        targetId: toHostId as HostId,
      })),
      copyStorage: request.copyStorage,
      tls: parts.migrationTls,
    },
  };
}

function accept(
  { host, section, hash, parameters, claimsOff }: DrainDecision,
  { why, operator }: { readonly why: Why; readonly operator: string },
): Accepted<DrainHostParameters> {
  const cordonReason = host.cordoned ? host.cordonReason : why.reason || "being drained";
  return {
    operation: {
      ...about(why, operator),
      type: "host-drain",
      subject: `host/${host.name}`,
      parameters,
      explanation: [
        ...section.moves.map(({ wave, vm, toHost }) => `wave ${String(wave)}: ${vm} to ${toHost}`),
        ...section.stuck.map(({ vm, reasons }) => `${vm} stays: ${reasons[0] ?? ""}`),
        `decided on snapshot ${hash}`,
      ],
    },
    changes: () => [put("host", { ...host, cordoned: true, cordonReason }), ...claimsOff],
  };
}
