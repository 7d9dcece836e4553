/** Creates a VM: decides where it goes and claims its place in one step. */
import { invalid, parseVmId } from "@muster/model";
import type { VmSpecDraft } from "@muster/model/wire";
import type * as pb from "@muster/proto/admin";
import { findClaim, findHost, type LedgerView } from "../ledger/view.ts";
import type { KeyRing } from "../contexts/key-ring.ts";
import { contextChanges, decodeNewContext, type NewContext } from "../contexts/new-context.ts";
import { parametersOf, type CreateVmParameters } from "../operations/create-vm.ts";
import type { Accepted } from "../operations/operation-runner.ts";
import { decideCreate, type CreateDecision } from "../planning/decide-create.ts";
import { wildMacs } from "../planning/wild-macs.ts";
import { decodeNewRules } from "./decode-rules.ts";
import { decodeWhy, type ApiParts } from "./parts.ts";
import { about, encodeAnswer, encodeNow, requireDraft, shown, snapshotOf } from "./vm-requests.ts";

/** Callers that ask for no rules and have no claim need not say so. */
export type CreateVmRequest = Omit<pb.CreateVmRequest, "rules" | "claim"> &
  Partial<Pick<pb.CreateVmRequest, "rules" | "claim">>;

/** A spec that was shown for another VM may carry the form of that one's context. */
function draftOf(request: CreateVmRequest, context: NewContext | undefined): VmSpecDraft {
  const { context: _shown, ...draft } = requireDraft(request.spec);
  if (context === undefined) return draft;
  if (draft.disks.length === 0) {
    throw invalid("context", "needs a disk beside which it is kept", "add one: --disk");
  }
  return { ...draft, context: context.context.format };
}

export async function createVm(
  request: CreateVmRequest,
  operator: string,
  parts: ApiParts & { readonly keyRing: KeyRing },
): Promise<pb.CreateVmResponse> {
  const why = decodeWhy(request.why);
  const context = decodeNewContext(request.context ?? "");
  const draft = draftOf(request, context);
  const freshId = parseVmId(parts.random.uuid());
  const createdAt = parts.clock.wall().toISOString();
  const decide = (view: LedgerView): CreateDecision => {
    const host = request.host === "" ? {} : { host: findHost(view, request.host) };
    const sources = {
      snapshot: snapshotOf(parts),
      wildMacs: draft.nics.length === 0 ? none : wildMacs(parts.observations),
    };
    const rules = decodeNewRules(request.rules, view);
    const named = request.claim ?? "";
    const claim = named === "" ? undefined : findClaim(view, named);
    return decideCreate(
      view,
      {
        vmId: claim?.id ?? freshId,
        draft,
        createdAt,
        wanted: request.stopped ? "stopped" : "running",
        ...host,
        ...(rules === undefined ? {} : { rules }),
        ...(claim === undefined ? {} : { claim }),
      },
      sources,
    );
  };
  if (why.dryRun) {
    const { vm, answer, explanation } = decide(parts.ledger.view);
    return {
      operation: undefined,
      vm: shown(vm, parts),
      explanation: encodeAnswer(answer, explanation),
    };
  }
  let decision: CreateDecision | undefined;
  const operation = await parts.runner.submit(
    { requestId: why.requestId, type: "vm-create" },
    (view): Accepted<CreateVmParameters> => {
      decision = decide(view);
      const { explanation, changes, vm } = decision;
      const seed = context === undefined ? {} : { seed: true as const };
      const parameters = { ...parametersOf(vm, !request.stopped), ...seed };
      const kept = contextChanges(view, context, { keyRing: parts.keyRing, vmId: vm.id });
      return {
        operation: {
          ...about(why, operator),
          type: "vm-create",
          subject: `vm/${draft.name}`,
          parameters,
          explanation,
        },
        changes: (operationId) => [...changes(operationId), ...kept],
      };
    },
  );
  const vm = parts.ledger.view.vmByName(draft.name);
  return {
    operation: encodeNow(operation, parts),
    vm: vm === undefined ? undefined : shown(vm, parts),
    explanation:
      decision === undefined ? undefined : encodeAnswer(decision.answer, decision.explanation),
  };
}

const none: ReadonlySet<string> = new Set();
