/** Brings the VMs whose home a host is back to it: a plan that is kept and run at once. */
import { MusterError, type HostRecord } from "@muster/model";
import { planReturnHome, snapshotHash } from "@muster/planner";
import type * as pb from "@muster/proto/admin";
import type { CallContext } from "@muster/runtime";
import { put, type RecordChange } from "../ledger/ledger.ts";
import { findHost, type LedgerView } from "../ledger/view.ts";
import { acceptPlanRun } from "../operations/accept-plan-run.ts";
import { keepPlans } from "../plans/keep-plan.ts";
import { draftOf } from "../plans/plan-draft.ts";
import { motionSection } from "../plans/plan-report.ts";
import { decodeWhy, type ApiParts } from "./parts.ts";
import { encodeSection } from "./plans.ts";
import { encodeNow, snapshotOf } from "./vm-requests.ts";

export function returnHandlers(parts: ApiParts) {
  return {
    async returnHost(
      request: pb.ReturnHostRequest,
      context: CallContext,
    ): Promise<pb.ReturnHostResponse> {
      const operator = parts.operatorOf(context);
      const why = decodeWhy(request.why);
      const first = decide(parts.ledger.view, request, { operator, parts });
      const section = encodeSection(first.section);
      if (why.dryRun || first.draft.moves.length === 0) {
        if (!why.dryRun && first.opened.length > 0) {
          await parts.ledger.transact(() => ({ changes: first.opened, result: undefined }));
        }
        return { operation: undefined, plan: section, planId: "" };
      }
      let planId = "";
      const operation = await parts.runner.submit(
        { requestId: why.requestId, type: "plan-run" },
        (view) => {
          const { draft, hash, opened } = decide(view, request, { operator, parts });
          const wallMs = parts.clock.wall().getTime();
          const kept = keepPlans(view, [draft], { hash, by: operator, wallMs });
          const [plan] = kept.plans;
          if (plan === undefined) {
            throw new MusterError("wrong-state", "nothing has to move any more");
          }
          planId = plan.id;
          const accepted = acceptPlanRun(view, {
            plan,
            operator,
            reason: why.reason,
            requestId: why.requestId,
            wallMs,
            parameters: {
              replan: true,
              copyStorage: request.copyStorage,
              tls: parts.migrationTls,
            },
            observed: (hostId) => parts.observations.get(hostId),
            alsoChanges: opened,
          });
          return {
            ...accepted,
            changes: (operationId) => onceEach([...kept.changes, ...accepted.changes(operationId)]),
          };
        },
      );
      return { operation: encodeNow(operation, parts), plan: section, planId };
    },
  };
}

function decide(
  view: LedgerView,
  request: pb.ReturnHostRequest,
  { parts }: { readonly operator: string; readonly parts: ApiParts },
) {
  const host = findHost(view, request.host);
  if (host.cordoned && !request.uncordon) {
    throw new MusterError("wrong-state", `host ${host.name} is cordoned: ${host.cordonReason}`, {
      hint: `open it in the same step: muster host return ${host.name} --uncordon`,
    });
  }
  const opened: readonly RecordChange[] = host.cordoned ? [put("host", open(host))] : [];
  const taken = snapshotOf(parts);
  const hosts = taken.hosts.map((each) =>
    each.id === host.id ? { ...each, cordoned: false } : each,
  );
  const snapshot = host.cordoned ? { ...taken, hosts } : taken;
  const plan = planReturnHome(snapshot, { homes: [host.id] });
  const draft = draftOf(snapshot, plan, { kind: "return-home", hostIds: [host.id] });
  return { draft, opened, section: motionSection(snapshot, plan), hash: snapshotHash(snapshot) };
}

/** A record changes once in a transaction: the plan as it runs, not as it was kept a moment before. */
function onceEach(changes: readonly RecordChange[]): readonly RecordChange[] {
  const last = new Map<string, RecordChange>();
  changes.forEach((change, index) => {
    const key = change.kind === "plan" ? change.value.id : `other ${String(index)}`;
    last.set(key, change);
  });
  return [...last.values()];
}

const open = (host: HostRecord): HostRecord => ({ ...host, cordoned: false, cordonReason: "" });
