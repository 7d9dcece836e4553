/**
 * Makes the members of a group what the group says: each change of a member is an operation of its own, and what is
 * left to do is read anew after each. Missing members are made first, together; then those of an older profile are made
 * anew, one after the other; then those that are too many go, together.
 */
import { createHash } from "node:crypto";
import {
  errorCodes,
  isActive,
  isEnded,
  isMusterError,
  MusterError,
  parseVmId,
  type GroupRecord,
  type OperationRecord,
  type VmId,
  type VmRecord,
} from "@muster/model";
import { draftOf } from "../groups/member-draft.ts";
import { planGroup, renderGroupStep, type GroupStep } from "../groups/plan-group.ts";
import { put, remove, type RecordChange } from "../ledger/ledger.ts";
import { addressKey } from "../ledger/records.ts";
import type { LedgerView } from "../ledger/view.ts";
import { decideCreate } from "../planning/decide-create.ts";
import { wildMacs } from "../planning/wild-macs.ts";
import type { ChangeVmParameters } from "./change-vm.ts";
import type { CreateVmParameters } from "./create-vm.ts";
import type { DeleteVmParameters } from "./delete-vm.ts";
import type { Accepted } from "./operation-runner.ts";
import type { OperationType, StepContext, StepDefinition } from "./operation-type.ts";

export interface FollowGroupParameters {
  /** Of the group. */
  readonly name: string;
  readonly graceMs: number;
  /** Pull the plug of guests that do not shut down in that time. */
  readonly force: boolean;
}

type Context = StepContext<FollowGroupParameters>;
type StopOrDelete = ChangeVmParameters | DeleteVmParameters;
type Part = "create" | "stop" | "delete";

const LOOK_PERIOD_MS = 500;
/** One that failed once may have met a bad moment; one that failed twice has met a reason. */
const TRIES_MAX = 2;
/** How long a refusal may still turn out to be a bad moment. */
const PATIENCE_MS = 30_000;
/** How long members that others work on, and hosts that are away, are waited for. */
const BUSY_LIMIT_MS = 10 * 60_000;

const groupNow = ({ ledger, parameters }: Context): GroupRecord | undefined =>
  ledger.view.groups.get(parameters.name);

const follow: StepDefinition<FollowGroupParameters> = {
  name: "follow",
  async run(context) {
    /** When the first of the refusals came that nothing has come after but refusals. */
    let refusedSinceMs: number | undefined;
    for (;;) {
      const group = groupNow(context);
      const steps = group === undefined ? [] : planGroup(context.ledger.view, group);
      const active = childrenOf(context).filter(({ state }) => !isEnded(state));
      tell(context, steps, active);
      if (context.signal.aborted) {
        // What has begun goes on to its end; nothing new is started.
        if (active.length === 0) context.signal.throwIfAborted();
      } else if (active.length === 0) {
        const turn = nextSteps(steps);
        if (turn.length === 0) return;
        const refusal = await startAll(context, turn);
        const nowMs = context.clock.now();
        refusedSinceMs = refusal === undefined ? undefined : (refusedSinceMs ?? nowMs);
        if (refusal !== undefined)
          refuseEndless(context, refusal, nowMs - (refusedSinceMs ?? nowMs));
      }
      await context.clock.sleep(LOOK_PERIOD_MS, context.stopping);
    }
  },
};

/** Busy members and absent hosts may be fine in a while; a missing place, in a moment: hosts come back after a restart. */
function refuseEndless({ parameters }: Context, refusal: MusterError, forMs: number): void {
  const limitMs = errorCodes[refusal.code].retry ? BUSY_LIMIT_MS : PATIENCE_MS;
  if (forMs < limitMs) return;
  throw new MusterError(refusal.code, refusal.message, {
    reasons: refusal.reasons,
    hint: `see to it, then let the group go on: muster group follow ${parameters.name}`,
  });
}

/** Those whose turn it is. A member that is made anew is the only one that is away meanwhile. */
function nextSteps(steps: readonly GroupStep[]): readonly GroupStep[] {
  const creates = steps.filter(({ kind }) => kind === "create");
  if (creates.length > 0) return creates;
  const rebuild = steps.find(({ kind }) => kind === "rebuild");
  return rebuild === undefined ? steps : [rebuild];
}

const childrenOf = ({ ledger, operation }: Context): readonly OperationRecord[] =>
  [...ledger.view.operations.values()].filter(({ requestId }) =>
    requestId.startsWith(`${operation.id}/`),
  );

function tell(
  context: Context,
  steps: readonly GroupStep[],
  active: readonly OperationRecord[],
): void {
  const now = active.map(({ type, subject }) => `${type} ${subject.replace("vm/", "")}`);
  const left = `${String(steps.length)} changes are left`;
  context.phase([left, ...now.slice(0, 3)].join("; "));
}

/** Why nothing could be started; undefined: something was. @throws MusterError when a member has failed for good. */
async function startAll(
  context: Context,
  steps: readonly GroupStep[],
): Promise<MusterError | undefined> {
  const refusals: MusterError[] = [];
  for (const step of steps) {
    try {
      await start(context, step);
    } catch (error) {
      if (!isMusterError(error) || error instanceof FailedMember) throw error;
      refusals.push(error);
    }
  }
  return refusals.length < steps.length ? undefined : refusals[0];
}

/** Its own operation has failed as often as is tried. */
class FailedMember extends MusterError {}

async function start(context: Context, step: GroupStep): Promise<void> {
  const part = partOf(context, step);
  const { requestId, tries } = turnOf(context, step, part);
  const type = `vm-${part}`;
  if (step.kind === "create") {
    await context.submit({ requestId, type }, (view) =>
      acceptCreate(context, { view, name: step.name, number: step.number, requestId }),
    );
    return;
  }
  const { vm } = step;
  await context.submit({ requestId, type }, (view): Accepted<StopOrDelete> =>
    part === "stop"
      ? acceptStop(context, { view, vmId: vm.id, requestId, isLast: tries > 0 })
      : acceptDelete(context, {
          view,
          vmId: vm.id,
          requestId,
          keepsAddresses: step.kind === "rebuild",
        }),
  );
}

function partOf({ ledger, observations }: Context, step: GroupStep): Part {
  if (step.kind === "create") return "create";
  const vm = ledger.view.vms.get(step.vm.id);
  const hostId = vm?.placement?.hostId;
  const host = hostId === undefined ? undefined : observations.get(hostId);
  const seen = host?.vms.get(step.vm.id);
  if (hostId !== undefined && host?.connected !== true) {
    throw new MusterError("host-offline", `the host of ${step.name} is away`);
  }
  return seen !== undefined && isActive(seen.state) ? "stop" : "delete";
}

/** Of the next try at this part. A repeat after a restart is the same request. */
function turnOf(context: Context, step: GroupStep, part: Part) {
  const version = String(groupNow(context)?.version ?? 0);
  const prefix = `${context.operation.id}/${step.name}/${version}/${part}/`;
  const tried = childrenOf(context).filter(({ requestId }) => requestId.startsWith(prefix));
  const failed = tried.filter(({ state }) => state !== "succeeded");
  const last = failed.at(-1);
  if (last !== undefined && (failed.length >= TRIES_MAX || last.state === "cancelled")) {
    throw new FailedMember(
      last.error?.code ?? "cancelled",
      `${renderGroupStep(step)}: ${last.id} ${last.state}: ${last.error?.message ?? "somebody cancelled it"}`,
      {
        reasons: last.error?.reasons ?? [],
        hint: `see to it, then let the group go on: muster group follow ${context.parameters.name}`,
      },
    );
  }
  return { requestId: `${prefix}${String(tried.length + 1)}`, tries: failed.length };
}

interface Turn {
  readonly view: LedgerView;
  readonly requestId: string;
}

const about = ({ operation, parameters }: Context, vmName: string, requestId: string) => ({
  subject: `vm/${vmName}`,
  reason: `${operation.id} makes group ${parameters.name} follow`,
  requestedBy: operation.requestedBy,
  requestId,
});

/** The same for the same request, so that a decision that is taken again makes the same VM. */
function vmIdFor(view: LedgerView, requestId: string): VmId {
  const hash = createHash("sha256").update(`${view.cluster.id} ${requestId}`).digest("hex");
  const parts = [hash.slice(0, 8), hash.slice(8, 12), `8${hash.slice(13, 16)}`];
  return parseVmId([...parts, `a${hash.slice(17, 20)}`, hash.slice(20, 32)].join("-"));
}

function acceptCreate(
  context: Context,
  { view, name, number, requestId }: Turn & { readonly name: string; readonly number: number },
): Accepted<CreateVmParameters> {
  const group = view.groups.get(context.parameters.name);
  if (group === undefined) throw new MusterError("not-found", "the group is gone");
  const vmId = vmIdFor(view, requestId);
  const decision = decideCreate(
    view,
    {
      vmId,
      draft: draftOf(group, { name, number }),
      createdAt: context.clock.wall().toISOString(),
      wanted: "running",
    },
    { snapshot: context.snapshots.take(), wildMacs: wildMacs(context.observations) },
  );
  const macs = decision.vm.spec.nics.map(({ mac }) => mac);
  const member = { name, vmId, version: group.version, macs };
  const members = [...group.members.filter((other) => other.name !== name), member];
  const kept = keptAddresses(decision.vm).flatMap((reservation) => {
    const there = view.addresses.get(addressKey(reservation));
    return there?.name === name ? [remove("address", there)] : [];
  });
  return {
    operation: {
      ...about(context, name, requestId),
      type: "vm-create",
      parameters: { vmId, start: true },
      explanation: decision.explanation,
    },
    changes: (operationId) => [
      ...decision.changes(operationId),
      put("group", { ...group, members }),
      ...kept,
    ],
  };
}

const keptAddresses = ({ spec }: VmRecord) =>
  spec.nics.flatMap(({ network, addresses = [] }) =>
    addresses.map((address) => ({ network, address })),
  );

function freeVm(view: LedgerView, vmId: VmId): VmRecord {
  const vm = view.vms.get(vmId);
  if (vm === undefined) throw new MusterError("busy", "the VM has just gone");
  if (vm.operationId === undefined) return vm;
  throw new MusterError("busy", `VM ${vm.spec.name} is busy with ${vm.operationId}`);
}

function acceptStop(
  context: Context,
  { view, vmId, requestId, isLast }: Turn & { readonly vmId: VmId; readonly isLast: boolean },
): Accepted<ChangeVmParameters> {
  const vm = freeVm(view, vmId);
  const force = context.parameters.force && isLast;
  const graceMs = force ? 0 : context.parameters.graceMs;
  return {
    operation: {
      ...about(context, vm.spec.name, requestId),
      type: "vm-stop",
      parameters: { vmId, change: "stop", force, graceMs },
      explanation: [],
    },
    changes: (operationId) => [put("vm", { ...vm, wanted: "stopped", operationId })],
  };
}

/** The addresses of a member that is made anew are kept for it until it is there again. */
function acceptDelete(
  context: Context,
  {
    view,
    vmId,
    requestId,
    keepsAddresses,
  }: Turn & {
    readonly vmId: VmId;
    readonly keepsAddresses: boolean;
  },
): Accepted<DeleteVmParameters> {
  const vm = freeVm(view, vmId);
  const { name } = vm.spec;
  const createdAt = context.clock.wall().toISOString();
  const keeps = (keepsAddresses ? keptAddresses(vm) : [])
    .filter((reservation) => !view.addresses.has(addressKey(reservation)))
    .map((reservation) => put("address", { ...reservation, name, createdAt }));
  return {
    operation: {
      ...about(context, name, requestId),
      type: "vm-delete",
      parameters: { vmId, force: false, deleteVolumes: true },
      explanation: [],
    },
    changes: (operationId) => [put("vm", { ...vm, wanted: "stopped", operationId }), ...keeps],
  };
}

export const followGroup: OperationType<FollowGroupParameters> = {
  name: "group-follow",
  verb: "follow",
  steps: () => [follow],
  ended(view, operation, outcome): readonly RecordChange[] {
    const group = view.groups.get(operation.parameters.name);
    if (group?.operationId !== operation.id) return [];
    const { operationId: _operation, ...free } = group;
    const isGone = group.removing && outcome === "succeeded";
    if (isGone) return [remove("group", group)];
    const wanted = new Set(planGroup(view, group).map(({ name }) => name));
    // Members that are gone for good are forgotten.
    const members = group.members.filter(
      ({ name, vmId }) => view.vms.has(vmId) || wanted.has(name),
    );
    return [put("group", { ...free, members })];
  },
};
