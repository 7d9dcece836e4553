/** VMs: list, show, create, change, migrate, explain. */
import {
  invalid,
  isActive,
  MusterError,
  parseVmId,
  type OperationRecord,
  type VmId,
  type VmRecord,
} from "@muster/model";
import { decodeVmSpecDraft, type VmSpecDraft } from "@muster/model/wire";
import { place, renderAnswer, renderRefusal, whyNot, type PlaceAnswer } from "@muster/planner";
import * as pb from "@muster/proto/admin";
import type { CallContext } from "@muster/runtime";
import { put } from "../ledger/ledger.ts";
import { findHost, findVm, type LedgerView } from "../ledger/view.ts";
import type { ChangeVmParameters, VmChange } from "../operations/change-vm.ts";
import type { CreateVmParameters } from "../operations/create-vm.ts";
import type { DeleteVmParameters } from "../operations/delete-vm.ts";
import type { MigrateVmParameters } from "../operations/migrate-vm.ts";
import type { Accepted } from "../operations/operation-runner.ts";
import { clusterSnapshot, requestFor } from "../planning/cluster-snapshot.ts";
import { decideCreate, type CreateDecision } from "../planning/decide-create.ts";
import { decideMigrate, type MigrateDecision } from "../planning/decide-migrate.ts";
import { encodeOperation } from "./encode-operation.ts";
import { encodeVm } from "./encode-vm.ts";
import { wildVmsOn } from "./hosts.ts";
import { decodeWhy, type ApiParts, type Why } from "./parts.ts";
import { vmView } from "./vm-view.ts";

/** Two minutes: what most guests need to shut down cleanly. */
const GRACE_MS_DEFAULT = 120_000;
const GRACE_MS_MAX = 3_600_000;

export function vmHandlers(parts: ApiParts) {
  return {
    async listVms(request: pb.ListVmsRequest, context: CallContext): Promise<pb.ListVmsResponse> {
      parts.operatorOf(context);
      const { view } = parts.ledger;
      const host = request.host === "" ? undefined : findHost(view, request.host);
      const ours = [...view.vms.values()]
        .filter((vm) => host === undefined || vm.placement?.hostId === host.id)
        .map((vm) => shown(vm, parts));
      const hosts = host === undefined ? [...view.hosts.values()] : [host];
      const wild = request.includeWild ? hosts.flatMap((each) => wildVmsOn(each, parts)) : [];
      return {
        vms: [...ours, ...wild].toSorted((left, right) => left.name.localeCompare(right.name)),
      };
    },

    async getVm(request: pb.GetVmRequest, context: CallContext): Promise<pb.GetVmResponse> {
      parts.operatorOf(context);
      return { vm: shown(findVm(parts.ledger.view, request.vm), parts) };
    },

    async createVm(
      request: pb.CreateVmRequest,
      context: CallContext,
    ): Promise<pb.CreateVmResponse> {
      return createVm(request, parts.operatorOf(context), parts);
    },

    async changeVm(
      request: pb.ChangeVmRequest,
      context: CallContext,
    ): Promise<pb.ChangeVmResponse> {
      return changeVm(request, parts.operatorOf(context), parts);
    },

    async migrateVm(
      request: pb.MigrateVmRequest,
      context: CallContext,
    ): Promise<pb.MigrateVmResponse> {
      return migrateVm(request, parts.operatorOf(context), parts);
    },

    async explainVm(
      request: pb.ExplainVmRequest,
      context: CallContext,
    ): Promise<pb.ExplainVmResponse> {
      parts.operatorOf(context);
      return { explanation: explainVm(request, parts) };
    },
  };
}

const shown = (vm: VmRecord, parts: ApiParts): pb.Vm =>
  encodeVm(vmView(vm, { view: parts.ledger.view, observations: parts.observations }));

const snapshotOf = (view: LedgerView, parts: ApiParts) =>
  clusterSnapshot(view, parts.observations, parts.capacity);

function wildMacs(parts: ApiParts): ReadonlySet<string> {
  const macs = new Set<string>();
  for (const host of parts.observations.hosts().values()) {
    for (const vm of host.vms.values()) for (const mac of vm.macs) macs.add(mac);
  }
  return macs;
}

const encodeAnswer = (answer: PlaceAnswer, lines: readonly string[]): pb.Explanation => ({
  lines: [...lines],
  json: JSON.stringify(answer),
  placed: answer.ok,
});

const encodeNow = (record: OperationRecord, parts: ApiParts): pb.Operation =>
  encodeOperation(parts.runner.viewOf(record), parts.clock.wall());

function requireDraft(spec: pb.CreateVmRequest["spec"]): VmSpecDraft {
  if (spec === undefined) throw invalid("spec", "is required");
  return decodeVmSpecDraft(spec, "spec");
}

async function createVm(
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
    why.requestId,
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

const about = (why: Why, requestedBy: string) => ({
  reason: why.reason,
  requestedBy,
  requestId: why.requestId,
});

interface Change {
  readonly change: VmChange | "delete";
  readonly force: boolean;
}

function decodeChange(change: pb.VmChange): Change {
  switch (change) {
    case pb.VmChange.START:
      return { change: "start", force: false };
    case pb.VmChange.STOP:
      return { change: "stop", force: false };
    case pb.VmChange.FORCE_STOP:
      return { change: "stop", force: true };
    case pb.VmChange.REBOOT:
      return { change: "reboot", force: false };
    case pb.VmChange.FORCE_REBOOT:
      return { change: "reboot", force: true };
    case pb.VmChange.PAUSE:
      return { change: "pause", force: false };
    case pb.VmChange.RESUME:
      return { change: "resume", force: false };
    case pb.VmChange.DELETE:
      return { change: "delete", force: false };
    case pb.VmChange.FORCE_DELETE:
      return { change: "delete", force: true };
    case pb.VmChange.UNSPECIFIED:
      throw invalid("change", "is required");
    default:
      throw invalid("change", "is newer than this coordinator");
  }
}

async function changeVm(
  request: pb.ChangeVmRequest,
  operator: string,
  parts: ApiParts,
): Promise<pb.ChangeVmResponse> {
  const why = decodeWhy(request.why);
  const wanted = decodeChange(request.change);
  if (request.graceMs > GRACE_MS_MAX) {
    throw invalid(
      "grace_ms",
      `${String(request.graceMs)}, at most ${String(GRACE_MS_MAX)} are allowed`,
    );
  }
  const graceMs =
    wanted.change !== "stop" || wanted.force
      ? 0
      : request.graceMs === 0
        ? GRACE_MS_DEFAULT
        : request.graceMs;
  const check = (view: LedgerView): VmRecord => {
    const vm = findVm(view, request.vm);
    checkFree(vm, view);
    checkChange(vm, wanted, parts);
    return vm;
  };
  const summary = `${wanted.change} VM ${request.vm}${wanted.force ? " by force" : ""}`;
  if (why.dryRun) {
    check(parts.ledger.view);
    return { operation: undefined, summary };
  }
  const operation = await parts.runner.submit(
    why.requestId,
    (view): Accepted<ChangeVmParameters | DeleteVmParameters> => {
      const vm = check(view);
      const parameters = parametersOf(vm.id, wanted, {
        graceMs,
        deleteVolumes: !request.keepVolumes,
      });
      return {
        operation: {
          ...about(why, operator),
          type: `vm-${wanted.change}`,
          subject: `vm/${vm.spec.name}`,
          parameters,
          explanation: [],
        },
        changes: (operationId) => [put("vm", { ...vm, operationId })],
      };
    },
  );
  return { operation: encodeNow(operation, parts), summary };
}

function parametersOf(
  vmId: VmId,
  { change, force }: Change,
  options: { readonly graceMs: number; readonly deleteVolumes: boolean },
): ChangeVmParameters | DeleteVmParameters {
  if (change === "delete") return { vmId, force, deleteVolumes: options.deleteVolumes };
  return { vmId, change, force, graceMs: options.graceMs };
}

function checkFree(vm: VmRecord, view: LedgerView): void {
  if (vm.operationId === undefined) return;
  const operation = view.operations.get(vm.operationId);
  throw new MusterError(
    "busy",
    `VM ${vm.spec.name} is busy with ${vm.operationId} (${operation?.type ?? "unknown"})`,
    {
      hint: `wait for it: muster op watch ${vm.operationId}, or stop it: muster op cancel ${vm.operationId}`,
    },
  );
}

function checkChange(vm: VmRecord, { change, force }: Change, parts: ApiParts): void {
  const { name } = vm.spec;
  const host =
    vm.placement === undefined ? undefined : parts.ledger.view.hosts.get(vm.placement.hostId);
  if (host === undefined) {
    if (change === "delete") return;
    throw new MusterError("wrong-state", `VM ${name} is not on any host`, {
      hint: `remove it: muster vm rm ${name}`,
    });
  }
  if (parts.observations.stateOf(host) !== "online") {
    throw new MusterError(
      "host-offline",
      `host ${host.name}, where VM ${name} is, is not connected`,
      {
        hint: `see: muster host show ${host.name}`,
      },
    );
  }
  const observed = parts.observations.get(host.id)?.vms.get(vm.id);
  if (change === "delete") {
    if (observed === undefined || force || !isActive(observed.state)) return;
    throw new MusterError("wrong-state", `VM ${name} is ${observed.state}`, {
      hint: `stop it first: muster vm stop ${name}, or pull the plug: muster vm rm --force ${name}`,
    });
  }
  if (observed === undefined) {
    throw new MusterError("wrong-state", `host ${host.name} does not have VM ${name}`, {
      hint: `somebody removed it there; forget it with: muster vm rm ${name}`,
    });
  }
  const needsRunning = change === "reboot" || change === "pause" || change === "resume";
  if (needsRunning && !isActive(observed.state)) {
    throw new MusterError("wrong-state", `VM ${name} is ${observed.state}`, {
      hint: `start it: muster vm start ${name}`,
    });
  }
}

async function migrateVm(
  request: pb.MigrateVmRequest,
  operator: string,
  parts: ApiParts,
): Promise<pb.MigrateVmResponse> {
  const why = decodeWhy(request.why);
  const decide = (view: LedgerView): MigrateDecision & { readonly vm: VmRecord } => {
    const vm = findVm(view, request.vm);
    checkFree(vm, view);
    const target = request.host === "" ? {} : { target: findHost(view, request.host) };
    const sourceHost =
      vm.placement === undefined ? undefined : parts.observations.get(vm.placement.hostId);
    const sources = { snapshot: snapshotOf(view, parts), sourceHost };
    return {
      vm,
      ...decideMigrate(view, { vm, copyStorage: request.copyStorage, ...target }, sources),
    };
  };
  if (why.dryRun) {
    const { target, answer, explanation } = decide(parts.ledger.view);
    return {
      operation: undefined,
      targetHost: target.name,
      explanation: encodeAnswer(answer, explanation),
    };
  }
  let decision: MigrateDecision | undefined;
  const operation = await parts.runner.submit(
    why.requestId,
    (view): Accepted<MigrateVmParameters> => {
      const { vm, ...decided } = decide(view);
      decision = decided;
      const parameters: MigrateVmParameters = {
        vmId: vm.id,
        sourceId: decided.source.id,
        targetId: decided.target.id,
        targetAddress: parts.observations.get(decided.target.id)?.migrationAddress ?? "",
        generation: decided.generation,
        bandwidthMibPerSecond: request.bandwidthMibPerSecond,
        autoConverge: !request.noAutoConverge,
        copyStorage: request.copyStorage,
        downtimeLimitMs: request.downtimeLimitMs,
        tls: parts.migrationTls,
      };
      const { explanation, changes } = decided;
      return {
        operation: {
          ...about(why, operator),
          type: "vm-migrate",
          subject: `vm/${vm.spec.name}`,
          parameters,
          explanation,
        },
        changes,
      };
    },
  );
  return {
    operation: encodeNow(operation, parts),
    targetHost: decision?.target.name ?? "",
    explanation:
      decision === undefined ? undefined : encodeAnswer(decision.answer, decision.explanation),
  };
}

function explainVm(request: pb.ExplainVmRequest, parts: ApiParts): pb.Explanation {
  const { view } = parts.ledger;
  const known = request.vm === "" ? undefined : findVm(view, request.vm);
  const id = known?.id ?? parseVmId("00000000-0000-4000-8000-000000000000");
  const vm = { ...requestFor({ id, spec: known?.spec ?? draftSpec(requireDraft(request.spec)) }) };
  const snapshot = snapshotOf(view, parts);
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
