/** High availability for people: what is done, what would be done, and the switches. */
import {
  invalid,
  isActive,
  MusterError,
  policyOf,
  type HaMode,
  type HostRecord,
  type VmId,
  type VmRecord,
} from "@muster/model";
import { decodeHaPolicy, encodeHaPolicy } from "@muster/model/wire";
import * as pb from "@muster/proto/admin";
import type { CallContext } from "@muster/runtime";
import type { HaSettings } from "../ha/ha-settings.ts";
import { haSwitchOf } from "../ha/ha-switch.ts";
import { offSentence } from "../ha/host-off.ts";
import type { RecoveryStep } from "../ha/plan-recovery.ts";
import { strandedOn, type RestartStep } from "../ha/plan-restarts.ts";
import { inPieces, PIECE_RECORDS_MAX } from "../ledger/in-pieces.ts";
import { put, type RecordChange } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import { withPolicy, type ChangePolicyParameters } from "../operations/change-policy.ts";
import { deviceCount } from "./encode-device.ts";
import { hostStates } from "./hosts.ts";
import { decodeWhy, type ApiParts } from "./parts.ts";
import { about, checkFree, encodeNow, shown } from "./vm-requests.ts";
import { findManagedVm } from "./wild-vms.ts";

export interface HaParts {
  readonly settings: HaSettings;
  readonly nextForHost: (host: HostRecord) => RecoveryStep;
  readonly brake: () => string | undefined;
  readonly restarts: {
    stepFor(vm: VmRecord): RestartStep;
    /** Why there is no place for it; undefined: nobody was asked, or there is one. */
    refusalOf(vmId: VmId): MusterError | undefined;
  };
}

const modes: Record<HaMode, pb.HaMode> = {
  armed: pb.HaMode.ARMED,
  freeze: pb.HaMode.FREEZE,
  ignore: pb.HaMode.IGNORE,
};

function decodeMode(mode: pb.HaMode): HaMode {
  const found = (["armed", "freeze", "ignore"] as const).find((word) => modes[word] === mode);
  if (found === undefined) throw invalid("mode", "is required", "armed, freeze or ignore");
  return found;
}

export function haHandlers(parts: ApiParts, ha: HaParts) {
  return {
    async getHa(_request: pb.GetHaRequest, context: CallContext): Promise<pb.GetHaResponse> {
      parts.operatorOf(context);
      const { view } = parts.ledger;
      const { mode, reason, changedBy, changedAt } = haSwitchOf(view.cluster);
      const vms = [...view.vms.values()].filter((vm) => policyOf(vm.spec).restart !== "never");
      return {
        mode: modes[mode],
        reason,
        changedBy,
        changedAt,
        brake: ha.brake() ?? "",
        hosts: [...view.hosts.values()].map((host) => encodeHaHost(host, parts, ha)),
        vms: vms.map((vm) => encodeHaVm(vm, view, ha)),
        lostAfterMs: ha.settings.lostAfterMs,
        leaseMs: ha.settings.leaseMs,
      };
    },

    async setHa(request: pb.SetHaRequest, context: CallContext): Promise<pb.SetHaResponse> {
      const operator = parts.operatorOf(context);
      return setHa(request, operator, parts);
    },

    async setVmPolicy(
      request: pb.SetVmPolicyRequest,
      context: CallContext,
    ): Promise<pb.SetVmPolicyResponse> {
      const operator = parts.operatorOf(context);
      return setVmPolicy(request, operator, parts);
    },

    async resetVm(request: pb.ResetVmRequest, context: CallContext): Promise<pb.ResetVmResponse> {
      const operator = parts.operatorOf(context);
      const why = decodeWhy(request.why);
      const vmId = findManagedVm(parts, request.vm).id;
      const vm = await parts.ledger.transact((view) => {
        const now = view.vms.get(vmId);
        if (now === undefined) throw new MusterError("not-found", `VM ${request.vm} is gone`);
        const { recovery: _recovery, ...fresh } = now;
        return { changes: why.dryRun ? [] : [put("vm", fresh)], result: fresh };
      });
      if (!why.dryRun) {
        parts.events.record({
          kind: "vm-reset",
          subject: `vm/${vm.spec.name}`,
          message: `its restarts were forgiven by ${operator}`,
        });
      }
      return { vm: shown(vm, parts) };
    },
  };
}

function encodeHaHost(host: HostRecord, parts: ApiParts, ha: HaParts): pb.HaHost {
  const step = ha.nextForHost(host);
  const next = step.kind === "wait" ? step.why : step.kind === "recover" ? step.because : "";
  return {
    host: host.name,
    state: hostStates[parts.observations.stateOf(host)],
    watchdogTimeoutMs: host.watchdog?.timeoutMs ?? 0,
    off: host.off === undefined ? "" : offSentence(host.off),
    next,
    vms: strandedOn(parts.ledger.view, host.id).length,
    fenceDevices: deviceCount(parts.ledger.view, host.id),
  };
}

function encodeHaVm(vm: VmRecord, view: LedgerView, ha: HaParts): pb.HaVm {
  const step = ha.restarts.stepFor(vm);
  const refusal = ha.restarts.refusalOf(vm.id)?.message;
  const next =
    step.kind === "wait"
      ? step.why
      : step.kind === "in-place" || step.kind === "elsewhere"
        ? (refusal ?? `it is restarted: ${step.because}`)
        : "";
  return {
    vm: vm.spec.name,
    host: vm.placement === undefined ? "" : (view.hosts.get(vm.placement.hostId)?.name ?? ""),
    policy: encodeHaPolicy(policyOf(vm.spec)),
    wanted: vm.wanted ?? "",
    restarts: vm.recovery?.restartsMs.length ?? 0,
    next,
    haError: vm.recovery?.error?.message ?? "",
  };
}

async function setHa(
  request: pb.SetHaRequest,
  operator: string,
  parts: ApiParts,
): Promise<pb.SetHaResponse> {
  const why = decodeWhy(request.why);
  const mode = decodeMode(request.mode);
  const changedAt = parts.clock.wall().toISOString();
  const { ledger } = parts;
  // Nothing is restarted while it is disarmed, so all but the last piece may come before it is armed.
  if (mode === "armed" && !why.dryRun) {
    await inPieces(ledger, (view) => beforeArming(view, parts).changes, PIECE_RECORDS_MAX);
  }
  const notes = await ledger.transact((view) => {
    const before = haSwitchOf(view.cluster).mode;
    const ha = { mode, reason: why.reason, changedBy: operator, changedAt };
    const also = mode === "armed" ? beforeArming(view, parts) : watchdogsForgotten(view);
    const changes = [
      put("cluster", { ...view.cluster, ha }),
      ...also.changes.slice(0, PIECE_RECORDS_MAX),
    ];
    return { changes: why.dryRun || before === mode ? [] : changes, result: also.notes };
  });
  // While it is disarmed no watchdog proves anything (`ha/leases.ts`): the rest may come after.
  if (mode !== "armed" && !why.dryRun) {
    await inPieces(ledger, (view) => whileDisarmed(view, watchdogsForgotten(view)).changes, 0);
  }
  if (!why.dryRun) {
    const because = why.reason === "" ? "" : `: ${why.reason}`;
    parts.events.record({
      kind: mode === "armed" ? "ha-armed" : "ha-disarmed",
      subject: "cluster",
      message: `${mode === "armed" ? "armed" : `disarmed (${mode})`} by ${operator}${because}`,
    });
  }
  return { notes: [...notes] };
}

interface Also {
  readonly changes: readonly RecordChange[];
  readonly notes: readonly string[];
}

const nothingElse: Also = { changes: [], notes: [] };

const whileDisarmed = (view: LedgerView, also: Also): Also =>
  haSwitchOf(view.cluster).mode === "armed" ? nothingElse : also;

/** What a disarming that was interrupted left behind, and what stopped meanwhile. */
function beforeArming(view: LedgerView, parts: ApiParts): Also {
  const stopped = takenAsStopped(view, haSwitchOf(view.cluster).mode, parts);
  const { changes } = watchdogsForgotten(view);
  return whileDisarmed(view, { changes: [...changes, ...stopped.changes], notes: stopped.notes });
}

/** No watchdog is counted on any more, before its host is told that it may stop it. */
function watchdogsForgotten(view: LedgerView): Also {
  const armed = [...view.hosts.values()].filter(({ watchdog }) => watchdog !== undefined);
  return {
    changes: armed.map(({ watchdog: _watchdog, ...host }) => put("host", host)),
    notes: armed.map(({ name }) => `host ${name} is told to stop its watchdog`),
  };
}

/** Armed again after "ignore": what stopped meanwhile was stopped on purpose. */
function takenAsStopped(view: LedgerView, before: HaMode, parts: ApiParts): Also {
  if (before !== "ignore") return nothingElse;
  const stopped = [...view.vms.values()].filter((vm) => {
    const host = vm.placement === undefined ? undefined : view.hosts.get(vm.placement.hostId);
    if (vm.wanted !== "running" || vm.operationId !== undefined || host === undefined) return false;
    if (parts.observations.stateOf(host) !== "online") return false;
    const seen = parts.observations.get(host.id)?.vms.get(vm.id);
    return seen === undefined || !isActive(seen.state);
  });
  return {
    changes: stopped.map((vm) => put("vm", { ...vm, wanted: "stopped" })),
    notes: stopped.map((vm) => `VM ${vm.spec.name} is taken as stopped on purpose`),
  };
}

async function setVmPolicy(
  request: pb.SetVmPolicyRequest,
  operator: string,
  parts: ApiParts,
): Promise<pb.SetVmPolicyResponse> {
  const why = decodeWhy(request.why);
  const policy =
    request.policy === undefined ? undefined : decodeHaPolicy(request.policy, "policy");
  const check = (view: LedgerView): VmRecord => {
    const vm = findManagedVm(parts, request.vm);
    checkFree(vm, view);
    const host = vm.placement === undefined ? undefined : view.hosts.get(vm.placement.hostId);
    if (host !== undefined && parts.observations.stateOf(host) !== "online") {
      const message = `host ${host.name} is not connected: it would not know the new policy`;
      throw new MusterError("host-offline", message);
    }
    return vm;
  };
  if (why.dryRun) {
    check(parts.ledger.view);
    return { operation: undefined };
  }
  const operation = await parts.runner.submit<ChangePolicyParameters>(
    { requestId: why.requestId, type: "vm-set" },
    (view) => {
      const vm = check(view);
      const { ha: before } = vm.spec;
      return {
        operation: {
          ...about(why, operator),
          type: "vm-set",
          subject: `vm/${vm.spec.name}`,
          parameters: { vmId: vm.id, ...(before === undefined ? {} : { before }) },
          explanation: [],
        },
        changes: (operationId) => [put("vm", { ...withPolicy(vm, policy), operationId })],
      };
    },
  );
  return { operation: encodeNow(operation, parts) };
}
