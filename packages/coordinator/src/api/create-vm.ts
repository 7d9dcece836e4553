/** Creates a VM: decides where it goes and claims its place in one step. */
import { parseVmId } from "@muster/model";
import type * as pb from "@muster/proto/admin";
import { findHost, type LedgerView } from "../ledger/view.ts";
import type { CreateVmParameters } from "../operations/create-vm.ts";
import type { Accepted } from "../operations/operation-runner.ts";
import { decideCreate, type CreateDecision } from "../planning/decide-create.ts";
import { decodeWhy, type ApiParts } from "./parts.ts";
import { about, encodeAnswer, encodeNow, requireDraft, shown, snapshotOf } from "./vm-requests.ts";

export async function createVm(
  request: pb.CreateVmRequest,
  operator: string,
  parts: ApiParts,
): Promise<pb.CreateVmResponse> {
  const why = decodeWhy(request.why);
  const draft = requireDraft(request.spec);
  const vmId = parseVmId(parts.random.uuid());
  const createdAt = parts.clock.wall().toISOString();
  const decide = (view: LedgerView): CreateDecision => {
    const host = request.host === "" ? {} : { host: findHost(view, request.host) };
    const sources = { snapshot: snapshotOf(view, parts), wildMacs: wildMacs(parts) };
    return decideCreate(view, { vmId, draft, createdAt, ...host }, sources);
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
      const parameters = { vmId, start: !request.stopped };
      const { explanation, changes } = decision;
      return {
        operation: {
          ...about(why, operator),
          type: "vm-create",
          subject: `vm/${draft.name}`,
          parameters,
          explanation,
        },
        changes,
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

function wildMacs(parts: ApiParts): ReadonlySet<string> {
  const macs = new Set<string>();
  for (const host of parts.observations.hosts().values()) {
    for (const vm of host.vms.values()) for (const mac of vm.macs) macs.add(mac);
  }
  return macs;
}
