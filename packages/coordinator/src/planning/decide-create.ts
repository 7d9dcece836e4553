/** Decides where a new VM goes and what is claimed for it. Pure: view in, acceptance or refusal out. */
import {
  MusterError,
  type ClaimRecord,
  type HostId,
  type HostRecord,
  type OperationId,
  type Placement,
  type VmId,
  type VmRecord,
  type VmRules,
  type VmSpec,
} from "@muster/model";
import type { VmSpecDraft } from "@muster/model/wire";
import {
  renderChoice,
  renderRefusalCounts,
  renderRefusals,
  renderRefusalsByHost,
  snapshotHash,
  type NoPlacement,
  type PlaceAnswer,
  type PlaceRequest,
  type Snapshot,
} from "@muster/planner";
import { put, remove, type RecordChange } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import { requestFor } from "./cluster-snapshot.ts";
import { resolveImages } from "./admit-image.ts";
import { completeNics } from "./complete-nics.ts";
import { refuseNewClashes } from "./rule-checks.ts";
import { wouldFitLines } from "./would-fit.ts";
import { placeAmongClaims, yieldChanges } from "./yielding-claims.ts";

export interface CreateRequest {
  readonly vmId: VmId;
  readonly draft: VmSpecDraft;
  /** The only host it may go to; absent: the planner chooses. */
  readonly host?: HostRecord;
  readonly rules?: VmRules;
  /** Held for it; its id is the VM's. */
  readonly claim?: ClaimRecord;
  /** RFC 3339. */
  readonly createdAt: string;
  /** Default: it is meant to run. */
  readonly wanted?: NonNullable<VmRecord["wanted"]>;
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
  const { nics, macCount } = completeNics(view, draft, { vmId, wildMacs: sources.wildMacs });
  const disks = resolveImages(view, draft.disks, Date.parse(request.createdAt));
  const spec: VmSpec = { ...draft, disks, nics };
  const rules = request.rules ?? request.claim?.rules;
  const ruled = rules === undefined ? {} : { rules };
  const pinnedTo = pinnedToHost(view, { name: draft.name, rules }, request.host);
  const claimed = request.claim === undefined ? {} : { homeHostId: request.claim.hostId };
  const shape = requestFor({ id: vmId, spec, ...ruled });
  const asked = { vm: { ...claimed, ...shape, ...pinnedTo } };
  if (rules !== undefined) refuseClashOfNew(sources.snapshot, shape);
  const { answer, yielded } = placeAmongClaims(sources.snapshot, asked);
  const chosen = placementOf(answer, view, { request: asked, snapshot: sources.snapshot });
  const { createdAt, claim, wanted = "running" } = request;
  const vm = { id: vmId, spec, ...ruled, placement: chosen, created: false, createdAt, wanted };
  return {
    vm,
    answer,
    explanation: [
      ...(yielded.length === 0 ? [] : [`${String(yielded.length)} claims made way for it`]),
      ...explanationOf(answer, sources.snapshot),
    ],
    changes: (operationId) => [
      put("vm", { ...vm, operationId }),
      put("cluster", { ...view.cluster, macCount }),
      ...(claim === undefined ? [] : [remove("claim", claim)]),
      ...yieldChanges(view, yielded),
    ],
  };
}

/** A VM whose rules cannot hold with those there are is refused as such, not as a lack of room. */
function refuseClashOfNew(snapshot: Snapshot, wanted: PlaceRequest["vm"]): void {
  const vm = { ...wanted, state: "new" as const };
  const others = snapshot.vms.filter(({ id }) => id !== vm.id);
  const after = { ...snapshot, vms: [...others, vm] };
  refuseNewClashes(snapshot, after, `VM ${wanted.name}`);
}

/** The one host that was asked for, as long as the VM's own rules allow it. */
export function pinnedToHost(
  view: LedgerView,
  { name, rules }: { readonly name: string; readonly rules: VmRules | undefined },
  host: HostRecord | undefined,
): { readonly pinnedTo?: readonly HostId[] } {
  if (host === undefined) return {};
  const allowed = rules?.pinnedTo ?? [];
  if (allowed.length > 0 && !allowed.includes(host.id)) {
    const names = allowed.map((id) => view.hosts.get(id)?.name ?? id).join(", ");
    throw new MusterError("no-placement", `VM ${name} is pinned to other hosts than ${host.name}`, {
      reasons: [`${host.name}: the VM may run on ${names} only`],
      hint: `see: muster vm show ${name}; change it: muster vm set ${name} --pin ${host.name}`,
    });
  }
  return { pinnedTo: [host.id] };
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
    throw noPlacement(answer, { what: `VM ${request.vm.name}`, request, snapshot });
  }
  const host = view.hosts.get(answer.hostId as HostId);
  if (host === undefined) throw new MusterError("internal", "the planner chose an unknown host");
  return host;
}

/** How many hosts fail which check, what would help, and every reason of every host. */
export function noPlacement(
  answer: NoPlacement,
  { what, request, snapshot }: AskedOf & { readonly what: string },
): MusterError {
  const isEmpty = answer.examined === 0;
  const message = isEmpty
    ? `there is no host for ${what}`
    : `none of ${String(answer.examined)} hosts can take ${what}`;
  return new MusterError("no-placement", message, {
    // Counts and the way out first: whoever has a thousand hosts reads no further.
    reasons: [
      ...renderRefusalCounts(answer),
      ...wouldFitLines(snapshot, request),
      ...renderRefusalsByHost(answer.refusals),
    ],
    hint: isEmpty
      ? "enrol a host: muster host invite NAME"
      : "free or add capacity, or ask for less; to see every host: muster explain vm",
  });
}

function checkAgainst(view: LedgerView, draft: VmSpecDraft): void {
  if (view.vmByName(draft.name) !== undefined) {
    throw new MusterError("already-exists", `there is already a VM named ${draft.name}`, {
      hint: `see: muster vm show ${draft.name}`,
    });
  }
}
