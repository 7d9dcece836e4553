/** What the operations on virtual clusters do with members: many at once, each as an operation on that VM alone would. */
import {
  detailOf,
  MusterError,
  type ClusterMember,
  type ErrorDetail,
  type HostId,
  type OperationRecord,
  type VirtualClusterRecord,
  type VmId,
} from "@muster/model";
import { put, remove, type RecordChange } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import type { StepContext } from "./operation-type.ts";

export interface ClusterParameters {
  /** Of the virtual cluster. */
  readonly name: string;
}

type Context = StepContext<ClusterParameters>;

/**
 * Members that are worked on at once: hosts take turns among them anyway, and a cluster is not so large that more
 * would be felt.
 */
const MEMBERS_AT_ONCE_MAX = 24;

export const clusterNow = (
  view: LedgerView,
  { name }: ClusterParameters,
): VirtualClusterRecord | undefined => view.virtualClusters.get(name);

/** Those with these ids that are members still. */
export function membersAmong(
  view: LedgerView,
  parameters: ClusterParameters,
  ids: readonly VmId[],
): readonly ClusterMember[] {
  const wanted = new Set(ids);
  return (clusterNow(view, parameters)?.members ?? []).filter(({ vmId }) => wanted.has(vmId));
}

/** What one member's part looks like to the step of an operation on one VM. */
export function forMember<Parameters>(
  context: Context,
  member: ClusterMember,
  part: { readonly parameters: Parameters; readonly suffix: string; readonly phase: PhaseOf },
): StepContext<Parameters> {
  const { parameters } = part;
  return {
    ...context,
    operation: { ...context.operation, parameters },
    parameters,
    phase: part.phase,
    progress: ({ phase }) => {
      part.phase(phase);
    },
    command: (hostId, action, request = {}) =>
      context.command(hostId, action, {
        ...request,
        suffix: [member.inside, part.suffix, ...(request.suffix ?? "").split(" ")]
          .filter((word) => word !== "")
          .join("-"),
      }),
  };
}

export type PhaseOf = (text: string) => void;

export interface FailedMember {
  readonly member: ClusterMember;
  readonly error: ErrorDetail;
}

/** Answers those that failed, when all are done. Throws when the operation was cancelled or the coordinator stops. */
export async function withMembers(
  context: Context,
  members: readonly ClusterMember[],
  work: (member: ClusterMember, phase: PhaseOf) => Promise<void>,
): Promise<readonly FailedMember[]> {
  const failed: FailedMember[] = [];
  const phases = new Map<string, string>();
  let doneCount = 0;
  const tell = (): void => {
    const now = [...phases].map(([inside, text]) => `${inside}: ${text}`).slice(0, PHASES_SHOWN);
    const bad = failed.length === 0 ? "" : `, ${String(failed.length)} failed`;
    const what = `${String(doneCount)} of ${String(members.length)} members are done${bad}`;
    context.phase([what, ...now].join("; "));
  };
  const one = async (member: ClusterMember): Promise<void> => {
    try {
      await work(member, (text) => {
        phases.set(member.inside, text);
        tell();
      });
    } catch (error) {
      failed.push({ member, error: detailOf(error) });
    }
    phases.delete(member.inside);
    doneCount += 1;
    tell();
  };
  const waiting = [...members];
  const next = async (): Promise<void> => {
    for (let member = waiting.shift(); member !== undefined; member = waiting.shift()) {
      await one(member);
    }
  };
  await Promise.all(Array.from({ length: MEMBERS_AT_ONCE_MAX }, next));
  context.stopping.throwIfAborted();
  context.signal.throwIfAborted();
  return failed;
}

const PHASES_SHOWN = 3;

/** @throws MusterError with the reasons of each, when there are any. */
export function failTogether(
  failed: readonly FailedMember[],
  about: { readonly what: string; readonly hint: string },
): void {
  const [first] = failed;
  if (first === undefined) return;
  const count = failed.length === 1 ? "1 member" : `${String(failed.length)} members`;
  throw new MusterError(first.error.code, `${count} ${about.what}`, {
    reasons: failed.flatMap(({ member, error }) =>
      [whyOf(error), ...error.reasons].map((line) => `${member.inside}: ${line}`),
    ),
    hint: about.hint,
  });
}

export const whyOf = ({ message, cause }: ErrorDetail): string =>
  cause === "" ? message : `${message}: ${cause}`;

/** Undefined: its host has been removed, or it never had one. */
export function hostOfMember(view: LedgerView, { vmId }: ClusterMember): HostId | undefined {
  const hostId = view.vms.get(vmId)?.placement?.hostId;
  return hostId !== undefined && view.hosts.has(hostId) ? hostId : undefined;
}

/** Nothing of it is on its host any more. */
export async function forgetMember(
  { ledger, parameters }: Context,
  member: ClusterMember,
  givenUp?: string,
): Promise<void> {
  await ledger.transact((view) => {
    const cluster = clusterNow(view, parameters);
    const vm = view.vms.get(member.vmId);
    const changes: RecordChange[] = [];
    if (cluster !== undefined) {
      const { inside, vmId } = member;
      const why = givenUp === undefined ? [] : [{ inside, why: givenUp }];
      const members = cluster.members.filter((other) => other.vmId !== vmId);
      const others = cluster.givenUp.filter((other) => other.inside !== inside);
      changes.push(put("virtual-cluster", { ...cluster, members, givenUp: [...others, ...why] }));
    }
    if (vm !== undefined) changes.push(remove("vm", vm));
    return { changes, result: undefined };
  });
}

/** Ends the hold of an operation on a cluster, its network and all members that it holds. Pure. */
export function releaseCluster(
  view: LedgerView,
  operation: OperationRecord<ClusterParameters>,
  change: Partial<VirtualClusterRecord> = {},
): readonly RecordChange[] {
  const cluster = clusterNow(view, operation.parameters);
  if (cluster?.operationId !== operation.id) return [];
  const { operationId: _operation, ...free } = cluster;
  const failed = new Set(cluster.givenUp.map(({ inside }) => inside));
  const vms = cluster.members.flatMap(({ vmId, inside }) => {
    const vm = view.vms.get(vmId);
    if (vm?.operationId !== operation.id) return [];
    const { operationId: _held, ...released } = vm;
    const created = vm.created || (change.booted === true && !failed.has(inside));
    return [put("vm", { ...released, created })];
  });
  const network = view.networks.get(cluster.network);
  const networks = [];
  if (network?.operationId === operation.id) {
    const { operationId: _held, ...released } = network;
    networks.push(put("network", released));
  }
  return [put("virtual-cluster", { ...free, ...change }), ...vms, ...networks];
}
