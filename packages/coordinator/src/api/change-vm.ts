/** Start, stop, reboot, pause, resume and delete: what may be asked of a VM where it is. */
import { invalid, isActive, MusterError, type VmId, type VmRecord } from "@muster/model";
import * as pb from "@muster/proto/admin";
import { put } from "../ledger/ledger.ts";
import { clusterOf } from "../ledger/find-virtual-cluster.ts";
import type { LedgerView } from "../ledger/view.ts";
import { groupOf } from "../groups/find-group.ts";
import { findManagedVm } from "./wild-vms.ts";
import type { ChangeVmParameters, VmChange } from "../operations/change-vm.ts";
import type { DeleteVmParameters } from "../operations/delete-vm.ts";
import type { Accepted } from "../operations/operation-runner.ts";
import { decodeWhy, type ApiParts } from "./parts.ts";
import { about, checkFree, encodeNow } from "./vm-requests.ts";

/** Two minutes: what most guests need to shut down cleanly. */
const GRACE_MS_DEFAULT = 120_000;
const GRACE_MS_MAX = 3_600_000;

export async function changeVm(
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
    const vm = findManagedVm(parts, request.vm);
    checkFree(vm, view);
    if (wanted.change === "delete") refuseMember(view, vm);
    checkChange(vm, wanted, parts);
    return vm;
  };
  const summary = `${wanted.change} VM ${request.vm}${wanted.force ? " by force" : ""}`;
  if (why.dryRun) {
    check(parts.ledger.view);
    return { operation: undefined, summary };
  }
  const operation = await parts.runner.submit(
    { requestId: why.requestId, type: `vm-${wanted.change}` },
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
        changes: (operationId) => [put("vm", { ...asWanted(vm, wanted.change), operationId })],
      };
    },
  );
  return { operation: encodeNow(operation, parts), summary };
}

/** What a person asks for is meant; a VM in error that a person starts is given another chance. */
function asWanted(vm: VmRecord, change: VmChange | "delete"): VmRecord {
  const { recovery: _recovery, ...fresh } = vm;
  if (change === "start") return { ...fresh, wanted: "running" };
  return change === "stop" || change === "delete" ? { ...vm, wanted: "stopped" } : vm;
}

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

function parametersOf(
  vmId: VmId,
  { change, force }: Change,
  options: { readonly graceMs: number; readonly deleteVolumes: boolean },
): ChangeVmParameters | DeleteVmParameters {
  if (change === "delete") return { vmId, force, deleteVolumes: options.deleteVolumes };
  return { vmId, change, force, graceMs: options.graceMs };
}

/** Its cluster would go on counting on it. */
function refuseMember(view: LedgerView, vm: VmRecord): void {
  const group = groupOf(view, vm.id);
  if (group !== undefined) {
    throw new MusterError("wrong-state", `VM ${vm.spec.name} is of group ${group.name}`, {
      hint: `make the group smaller: muster group scale ${group.name} N`,
    });
  }
  const cluster = clusterOf(view, vm.id);
  if (cluster === undefined) return;
  const member = cluster.members.find(({ vmId }) => vmId === vm.id);
  throw new MusterError(
    "wrong-state",
    `VM ${vm.spec.name} is ${member?.inside ?? "a member"} of virtual cluster ${cluster.name}`,
    {
      hint:
        member?.role === "compute"
          ? `take it out: muster cluster shrink ${cluster.name} ${member.inside}`
          : `remove the cluster: muster cluster clean ${cluster.name}`,
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
