/** Why a VM is where it is, or why no host would take it. */
import { parseVmId, type VmRecord } from "@muster/model";
import type { VmSpecDraft } from "@muster/model/wire";
import { place, renderAnswer, renderRefusal, whyNot } from "@muster/planner";
import type * as pb from "@muster/proto/admin";
import { findHost, type LedgerView } from "../ledger/view.ts";
import { findManagedVm } from "./wild-vms.ts";
import { requestFor } from "../planning/cluster-snapshot.ts";
import { wouldFitLines } from "../planning/would-fit.ts";
import { decodeNewRules } from "./decode-rules.ts";
import type { ApiParts } from "./parts.ts";
import { encodeAnswer, requireDraft, snapshotOf } from "./vm-requests.ts";

export type ExplainVmRequest = Omit<pb.ExplainVmRequest, "rules"> &
  Partial<Pick<pb.ExplainVmRequest, "rules">>;

export function explainVm(request: ExplainVmRequest, parts: ApiParts): pb.Explanation {
  const { view } = parts.ledger;
  const known = request.vm === "" ? undefined : findManagedVm(parts, request.vm);
  const id = known?.id ?? parseVmId("00000000-0000-4000-8000-000000000000");
  const rules = known?.rules ?? decodeNewRules(request.rules, view);
  const vm = requestFor({
    id,
    spec: known?.spec ?? draftSpec(requireDraft(request.spec)),
    ...(rules === undefined ? {} : { rules }),
    ...(known?.away === undefined ? {} : { away: known.away }),
  });
  const snapshot = snapshotOf(parts);
  if (request.host !== "") {
    const host = findHost(view, request.host);
    const refusals = whyNot(snapshot, { vm }, host.id);
    const lines = refusals.map((refusal) => `${host.name}: ${renderRefusal(refusal)}`);
    const fits = lines.length === 0;
    return {
      lines: fits ? [`${host.name}: it would fit`] : lines,
      json: JSON.stringify(refusals),
      placed: fits,
    };
  }
  const answer = place(snapshot, { vm });
  const host = known?.placement === undefined ? undefined : view.hosts.get(known.placement.hostId);
  const where = host === undefined ? [] : [`it is on ${host.name}; asked again now:`];
  return encodeAnswer(answer, [
    ...where,
    ...renderAnswer(answer, { all: request.all }),
    ...(answer.ok ? [] : wouldFitLines(snapshot, { vm })),
    ...decidedThen(known, view),
  ]);
}

/** What the planner said when the VM was last placed. */
function decidedThen(vm: VmRecord | undefined, view: LedgerView): readonly string[] {
  if (vm === undefined) return [];
  const subject = `vm/${vm.spec.name}`;
  const placing = [...view.operations.values()].findLast(
    (operation) =>
      operation.subject === subject &&
      operation.explanation.length > 0 &&
      operation.state === "succeeded",
  );
  if (placing === undefined) return [];
  return [
    "",
    `decided by ${placing.id} (${placing.type}) at ${placing.createdAt}:`,
    ...placing.explanation,
  ];
}

const draftSpec = (draft: VmSpecDraft): VmRecord["spec"] => ({
  ...draft,
  nics: draft.nics.map((nic) => ({ network: nic.network, mac: nic.mac ?? "" })),
});
