/** Decides where a new VM goes and what is claimed for it. Pure: view in, acceptance or refusal out. */
import {
  invalid,
  MusterError,
  type HostRecord,
  type OperationId,
  type Placement,
  type VmId,
  type VmRecord,
  type VmSpec,
} from "@muster/model";
import type { VmSpecDraft } from "@muster/model/wire";
import {
  place,
  renderChoice,
  renderRefusals,
  snapshotHash,
  type PlaceAnswer,
  type PlaceRequest,
  type Snapshot,
} from "@muster/planner";
import { put, type RecordChange } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import { requestFor } from "./cluster-snapshot.ts";
import { macsInUse, nextMacs } from "./mac-pool.ts";
import { wouldFitLines } from "./would-fit.ts";

export interface CreateRequest {
  readonly vmId: VmId;
  readonly draft: VmSpecDraft;
  /** The only host it may go to; absent: the planner chooses. */
  readonly host?: HostRecord;
  /** RFC 3339. */
  readonly createdAt: string;
}

export interface CreateDecision {
  readonly vm: VmRecord & { readonly placement: Placement };
  readonly answer: PlaceAnswer;
  readonly explanation: readonly string[];
  readonly changes: (operationId: OperationId) => readonly RecordChange[];
}

export function decideCreate(
  view: LedgerView,
  request: CreateRequest,
  sources: { readonly snapshot: Snapshot; readonly wildMacs: ReadonlySet<string> },
): CreateDecision {
  const { draft, vmId } = request;
  checkAgainst(view, draft);
  const taken = macsInUse(view, sources.wildMacs);
  const { macs, macCount } = nextMacs(
    view.cluster,
    draft.nics.map((nic) => nic.mac),
    taken,
  );
  const nics = draft.nics.map((nic, index) => ({ network: nic.network, mac: macs[index] ?? "" }));
  const spec: VmSpec = { ...draft, nics };
  const pinnedTo = request.host === undefined ? {} : { pinnedTo: [request.host.id] };
  const asked = { vm: { ...requestFor({ id: vmId, spec }), ...pinnedTo } };
  const answer = place(sources.snapshot, asked);
  const chosen = placementOf(answer, view, { request: asked, snapshot: sources.snapshot });
  const vm = { id: vmId, spec, placement: chosen, created: false, createdAt: request.createdAt };
  return {
    vm,
    answer,
    explanation: explanationOf(answer, sources.snapshot),
    changes: (operationId) => [
      put("vm", { ...vm, operationId }),
      put("cluster", { ...view.cluster, macCount }),
    ],
  };
}

/** Why there, and which snapshot that was decided on. */
export const explanationOf = (answer: PlaceAnswer, snapshot: Snapshot): readonly string[] => [
  ...(answer.ok ? renderChoice(answer) : renderRefusals(answer)),
  `decided on snapshot ${snapshotHash(snapshot)}`,
];

/** What was asked of the planner, and over what. */
export interface AskedOf {
  readonly request: PlaceRequest;
  readonly snapshot: Snapshot;
}

/** The first placement of a VM has generation 1. */
function placementOf(answer: PlaceAnswer, view: LedgerView, asked: AskedOf): Placement {
  return { hostId: chosenHost(answer, view, asked).id, generation: 1 };
}

/** The host the planner chose, or its refusal as an error that carries every reason and what would help. */
export function chosenHost(
  answer: PlaceAnswer,
  view: LedgerView,
  { request, snapshot }: AskedOf,
): HostRecord {
  if (!answer.ok) {
    const { name } = request.vm;
    const hosts = String(answer.examined);
    const message =
      answer.examined === 0
        ? `there is no host for VM ${name}`
        : `none of ${hosts} hosts can take VM ${name}`;
    throw new MusterError("no-placement", message, {
      reasons: [...renderRefusals(answer, { all: true }), ...wouldFitLines(snapshot, request)],
      hint:
        answer.examined === 0
          ? "enrol a host: muster host invite NAME"
          : "free or add capacity, or ask for less; to see every host: muster explain vm",
    });
  }
  const host = [...view.hosts.values()].find(({ id }) => id === answer.hostId);
  if (host === undefined) throw new MusterError("internal", "the planner chose an unknown host");
  return host;
}

function checkAgainst(view: LedgerView, draft: VmSpecDraft): void {
  if (view.vmByName(draft.name) !== undefined) {
    throw new MusterError("already-exists", `there is already a VM named ${draft.name}`, {
      hint: `see: muster vm show ${draft.name}`,
    });
  }
  draft.nics.forEach((nic, index) => {
    const network = view.networks.get(nic.network);
    const field = `nics[${String(index)}].network`;
    if (network === undefined) {
      const known = [...view.networks.keys()].toSorted().join(", ");
      const hint = known === "" ? "define it first: muster network create" : `networks: ${known}`;
      throw invalid(field, `there is no network "${nic.network}"`, hint);
    }
    if (network.removing) throw invalid(field, `network ${nic.network} is being removed`);
  });
}
