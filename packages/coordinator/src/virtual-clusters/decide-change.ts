/** Decides to start, shut down, shrink or clean a virtual cluster: who is concerned, and may it be done now? Pure. */
import {
  isActive,
  MusterError,
  type ClusterMember,
  type VirtualClusterRecord,
  type VmId,
  type VmRecord,
} from "@muster/model";
import { findVirtualCluster } from "../ledger/find-virtual-cluster.ts";
import { put, type RecordChange } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import type { Observations } from "../observations/observations.ts";
import type { ChangeClusterParameters } from "../operations/change-cluster.ts";
import type { Accepted, NewOperation } from "../operations/operation-runner.ts";
import { vmsOn } from "../planning/check-network.ts";

export type ClusterChange = "start" | "shutdown" | "clean" | "shrink";

export interface WantedClusterChange {
  readonly name: string;
  readonly change: ClusterChange;
  readonly graceMs: number;
  readonly force: boolean;
  /** Shrink: which computes. */
  readonly computes?: (cluster: VirtualClusterRecord) => readonly ClusterMember[];
}

export interface DecidedClusterChange {
  readonly parameters: ChangeClusterParameters;
  readonly plan: readonly string[];
  readonly changes: (operationId: NonNullable<VmRecord["operationId"]>) => readonly RecordChange[];
}

interface Parts {
  readonly observations: Observations;
}

/** Pure but for what is observed. @throws MusterError when it may not be done now. */
export function decideClusterChange(
  view: LedgerView,
  wanted: WantedClusterChange,
  { observations }: Parts,
): DecidedClusterChange {
  const { name, change } = wanted;
  const cluster = change === "clean" ? findVirtualCluster(view, name) : freeCluster(view, name);
  refuseBusy(view, cluster);
  const sources = { view, observations };
  if (change === "clean") refuseActive(cluster, activeMembers(cluster, sources));
  if (change === "clean") refuseGuests(view, cluster);
  const computes = wanted.computes?.(cluster) ?? ofRole(cluster, "compute");
  const frontends = change === "shrink" ? [] : ofRole(cluster, "frontend");
  const members = [...frontends, ...computes];
  const vms = members.flatMap(({ vmId }) => view.vms.get(vmId) ?? []);
  for (const vm of vms) refuseBusyVm(view, vm);
  if (change !== "clean") refuseUnheard(view, members, sources);
  const network = view.networks.get(cluster.network);
  const meant = change === "start" ? ("running" as const) : ("stopped" as const);
  return {
    parameters: {
      name,
      frontends: frontends.map(({ vmId }) => vmId),
      computes: computes.map(({ vmId }) => vmId),
      graceMs: wanted.graceMs,
      force: wanted.force,
    },
    plan: planLines(wanted, { cluster, frontends, computes }),
    changes: (operationId) => [
      put("virtual-cluster", { ...cluster, operationId }),
      ...vms.map((vm) => put("vm", { ...vm, wanted: meant, operationId })),
      ...(change === "clean" && network !== undefined
        ? [put("network", { ...network, operationId })]
        : []),
    ],
  };
}

export const ofRole = (
  { members }: VirtualClusterRecord,
  role: ClusterMember["role"],
): readonly ClusterMember[] => members.filter((member) => member.role === role);

function refuseActive({ name }: VirtualClusterRecord, active: readonly ClusterMember[]): void {
  if (active.length === 0) return;
  const count = active.length === 1 ? "a member" : `${String(active.length)} members`;
  throw new MusterError("wrong-state", `${count} of virtual cluster ${name} still run`, {
    reasons: active.map(({ inside }) => `node ${inside} still active`),
    hint: `shut it down first: muster cluster shutdown ${name}`,
  });
}

/** VMs that others have put on the cluster's network would lose it. */
function refuseGuests(view: LedgerView, { name, network, members }: VirtualClusterRecord): void {
  const own = new Set<VmId>(members.map(({ vmId }) => vmId));
  const guests = vmsOn(view, network).filter(({ id }) => !own.has(id));
  if (guests.length === 0) return;
  throw new MusterError("wrong-state", `network ${network} has VMs that are not of ${name}`, {
    reasons: guests.map(({ spec }) => `VM ${spec.name} has a NIC on it`),
    hint: "remove those VMs first",
  });
}

function refuseUnheard(
  view: LedgerView,
  members: readonly ClusterMember[],
  { observations }: Parts,
): void {
  const unheard = members.flatMap(({ vmId, inside }) => {
    const hostId = view.vms.get(vmId)?.placement?.hostId;
    const host = hostId === undefined ? undefined : view.hosts.get(hostId);
    if (host !== undefined && observations.stateOf(host) === "online") return [];
    return [`${inside}: host ${host?.name ?? "unknown"} is not connected`];
  });
  if (unheard.length === 0) return;
  throw new MusterError("host-offline", `hosts of ${String(unheard.length)} members are away`, {
    reasons: unheard,
    hint: "see: muster host ls",
  });
}

function planLines(
  { change, graceMs, force }: WantedClusterChange,
  parts: {
    readonly cluster: VirtualClusterRecord;
    readonly frontends: readonly ClusterMember[];
    readonly computes: readonly ClusterMember[];
  },
): readonly string[] {
  const { cluster } = parts;
  const [frontends, computes] = [parts.frontends, parts.computes].map((members) =>
    members.map(({ inside }) => inside).join(", "),
  );
  const gently = `within ${String(Math.ceil(graceMs / 1_000))} s${force ? ", then by force" : ""}`;
  const lines: Record<ClusterChange, readonly (string | undefined)[]> = {
    start: [`start ${String(frontends)}`, computes === "" ? undefined : `then ${String(computes)}`],
    shutdown: [
      computes === "" ? undefined : `shut down ${String(computes)} ${gently}`,
      `shut down ${String(frontends)} ${gently}`,
    ],
    shrink: [
      `shut down ${String(computes)} ${gently}`,
      `remove ${String(computes)} with their disks`,
    ],
    clean: [
      `remove ${[computes, frontends].filter((text) => text !== "").join(", ")} with their disks`,
      `remove network ${cluster.network}`,
      cluster.publicAddress === undefined ? undefined : `give back ${cluster.publicAddress}`,
    ],
  };
  return lines[change].filter((line) => line !== undefined);
}

/** Members that run, or may run: their host is not heard. */
export const activeMembers = (
  { members }: VirtualClusterRecord,
  { view, observations }: Parts & { readonly view: LedgerView },
): readonly ClusterMember[] =>
  members.filter(({ vmId }) => {
    const vm = view.vms.get(vmId);
    if (vm?.placement === undefined) return false;
    const seen = observations.get(vm.placement.hostId)?.vms.get(vmId);
    return seen !== undefined && isActive(seen.state);
  });

/** What an operation on a cluster says of itself beside its type. */
export type AboutChange = Pick<
  NewOperation<unknown>,
  "subject" | "reason" | "requestedBy" | "requestId"
>;

export function acceptClusterChange(
  view: LedgerView,
  wanted: WantedClusterChange,
  { observations, about }: Parts & { readonly about: AboutChange },
): Accepted<ChangeClusterParameters> {
  const { parameters, plan, changes } = decideClusterChange(view, wanted, { observations });
  return {
    operation: {
      ...about,
      type: `cluster-${wanted.change}`,
      parameters,
      explanation: plan,
    },
    changes,
  };
}

/** One that is whole and that nothing works on. */
export function freeCluster(view: LedgerView, name: string): VirtualClusterRecord {
  const cluster = findVirtualCluster(view, name);
  refuseBusy(view, cluster);
  if (cluster.booted) return cluster;
  throw new MusterError("wrong-state", `virtual cluster ${name} was not booted as a whole`, {
    hint: `remove what there is of it: muster cluster clean ${name}`,
  });
}

export function refuseBusy(view: LedgerView, { name, operationId }: VirtualClusterRecord): void {
  if (operationId === undefined) return;
  const type = view.operations.get(operationId)?.type ?? "unknown";
  throw new MusterError("busy", `virtual cluster ${name} is busy with ${operationId} (${type})`, {
    hint: `wait for it: muster op watch ${operationId}, or stop it: muster op cancel ${operationId}`,
  });
}

function refuseBusyVm(view: LedgerView, { spec, operationId }: VmRecord): void {
  if (operationId === undefined) return;
  const type = view.operations.get(operationId)?.type ?? "unknown";
  throw new MusterError("busy", `member ${spec.name} is busy with ${operationId} (${type})`, {
    hint: `wait for it: muster op watch ${operationId}`,
  });
}
