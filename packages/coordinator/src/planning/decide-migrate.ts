/** Decides where a VM moves to and what is claimed for it there. Pure. */
import { MusterError, type HostRecord, type OperationId, type VmRecord } from "@muster/model";
import { place, type PlaceAnswer, type Snapshot } from "@muster/planner";
import { put, type RecordChange } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import type { HostObservation } from "../observations/observations.ts";
import { requestFor } from "./cluster-snapshot.ts";
import { chosenHost, explanationOf, pinnedToHost } from "./decide-create.ts";

export interface MigrateRequest {
  readonly vm: VmRecord;
  readonly target?: HostRecord;
  readonly copyStorage: boolean;
}

export interface MigrateDecision {
  readonly source: HostRecord;
  readonly target: HostRecord;
  readonly generation: number;
  readonly answer: PlaceAnswer;
  readonly explanation: readonly string[];
  readonly changes: (operationId: OperationId) => readonly RecordChange[];
}

export function decideMigrate(
  view: LedgerView,
  request: MigrateRequest,
  sources: { readonly snapshot: Snapshot; readonly sourceHost: HostObservation | undefined },
): MigrateDecision {
  const { vm } = request;
  const source = sourceOf(view, vm);
  checkMovable(vm, source, sources.sourceHost);
  checkDisks(vm, request.copyStorage, sources.sourceHost);
  if (request.target?.id === source.id) {
    throw new MusterError("wrong-state", `VM ${vm.spec.name} is already on host ${source.name}`);
  }
  const pinnedTo = pinnedToHost(view, { name: vm.spec.name, rules: vm.rules }, request.target);
  const wanted = { ...requestFor(vm), ...pinnedTo, ...processorOf(vm, sources.sourceHost) };
  const asked = { vm: wanted, fromHostId: source.id };
  const answer = place(sources.snapshot, asked);
  const target = chosenHost(answer, view, { request: asked, snapshot: sources.snapshot });
  const generation = (vm.placement?.generation ?? 0) + 1;
  return {
    source,
    target,
    generation,
    answer,
    explanation: explanationOf(answer, sources.snapshot),
    changes: (operationId) => [
      put("vm", { ...vm, operationId, target: { hostId: target.id, generation } }),
    ],
  };
}

/** Under hardware virtualisation a guest without a model of its own sees its host's processor, and needs it again. */
function processorOf(
  vm: VmRecord,
  observed: HostObservation | undefined,
): { readonly cpuMode?: "host" } {
  const seesHost = vm.spec.cpuModel === undefined && observed?.inventory?.virtualization === "kvm";
  return seesHost ? { cpuMode: "host" } : {};
}

function sourceOf(view: LedgerView, vm: VmRecord): HostRecord {
  const source = vm.placement === undefined ? undefined : view.hosts.get(vm.placement.hostId);
  if (source !== undefined) return source;
  throw new MusterError("wrong-state", `VM ${vm.spec.name} is not on any host`);
}

function checkMovable(
  vm: VmRecord,
  source: HostRecord,
  observed: HostObservation | undefined,
): void {
  const { name } = vm.spec;
  if (observed?.connected !== true || !observed.reported) {
    throw new MusterError(
      "host-offline",
      `host ${source.name}, where VM ${name} is, is not connected`,
    );
  }
  const state = observed.vms.get(vm.id)?.state;
  if (state === "running" || state === "paused") return;
  throw new MusterError(
    "wrong-state",
    `VM ${name} is ${state ?? "not known"} on host ${source.name}`,
    {
      hint: `only a running VM moves live: muster vm start ${name}`,
    },
  );
}

/** Without a copy, every disk must be where the target sees it too. */
function checkDisks(
  vm: VmRecord,
  copyStorage: boolean,
  observed: HostObservation | undefined,
): void {
  if (copyStorage) return;
  const local = vm.spec.disks.flatMap((disk, index) => {
    const storage = observed?.inventory?.storages.find(({ name }) => name === disk.storage);
    return storage?.shared === true
      ? []
      : [`disk ${String(index)} is on storage ${disk.storage}, which is not shared`];
  });
  if (local.length === 0) return;
  throw new MusterError("wrong-state", `VM ${vm.spec.name} has disks that only its host can see`, {
    reasons: local,
    hint: "to copy them to the target as part of the move, give --copy-storage",
  });
}
