/**
 * Boots the members of a virtual cluster that were decided when the request was accepted: the frontend first, then all
 * computes at once. All or nothing: what fails is undone as a whole, unless computes may fail; then those are given up
 * and named.
 *
 *   make-network     the private network is where the frontend will be
 *   boot-frontend
 *   boot-computes    each once the network is on its host
 */
import { MusterError, type ClusterMember, type VmId } from "@muster/model";
import { put, remove, type RecordChange } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import {
  clusterNow,
  failTogether,
  forgetMember,
  forMember,
  hostOfMember,
  membersAmong,
  releaseCluster,
  whyOf,
  withMembers,
  type ClusterParameters,
  type FailedMember,
  type PhaseOf,
} from "./cluster-members.ts";
import { createVm, parametersOf, type CreateVmParameters } from "./create-vm.ts";
import { volumeNeeds } from "./needs.ts";
import type { Need } from "./budgets.ts";
import { reasonsOf, waitForHosts } from "./network-reach.ts";
import type { NeedSources, OperationType, StepContext, StepDefinition } from "./operation-type.ts";
import { isUndone } from "./vm-release.ts";

export interface BootParameters extends ClusterParameters {
  readonly frontend?: VmId;
  readonly computes: readonly VmId[];
  /** So many computes may fail. */
  readonly tolerate: number;
}

type Context = StepContext<BootParameters>;

const networkOf = ({ ledger, parameters }: Context): string =>
  clusterNow(ledger.view, parameters)?.network ?? "";

/** On the host where the member is to be. */
async function untilNetwork(context: Context, member: ClusterMember, phase: PhaseOf) {
  const hostId = hostOfMember(context.ledger.view, member);
  const name = networkOf(context);
  if (hostId === undefined) throw new MusterError("not-found", `${member.inside} has no host`);
  const missing = await waitForHosts({ ...context, phase }, { name, at: hostId });
  if (missing.length === 0) return;
  throw new MusterError("network-failed", `network ${name} is not where ${member.inside} goes`, {
    reasons: missing.flatMap(reasonsOf),
  });
}

const frontends = ({ ledger, parameters }: Context): readonly ClusterMember[] =>
  membersAmong(
    ledger.view,
    parameters,
    parameters.frontend === undefined ? [] : [parameters.frontend],
  );

const phaseOf =
  (context: Context): PhaseOf =>
  (text) => {
    context.phase(text);
  };

const makeNetwork: StepDefinition<BootParameters> = {
  name: "make-network",
  async run(context) {
    for (const member of frontends(context)) await untilNetwork(context, member, phaseOf(context));
  },
  async undo(context) {
    const name = networkOf(context);
    await context.ledger.transact((view) => {
      const network = view.networks.get(name);
      if (network === undefined || network.removing) return { changes: [], result: undefined };
      return { changes: [put("network", { ...network, removing: true })], result: undefined };
    });
    const missing = await waitForHosts(context, { name });
    if (missing.length === 0) return;
    throw new MusterError("network-failed", `network ${name} is still on some hosts`, {
      reasons: missing.flatMap(reasonsOf),
    });
  },
};

/** As an operation on this VM alone would have them. */
const partsOf = (parameters: CreateVmParameters): readonly StepDefinition<CreateVmParameters>[] =>
  createVm.steps(parameters);

const asCreated = ({ ledger }: Context, { vmId }: ClusterMember): CreateVmParameters => {
  const vm = ledger.view.vms.get(vmId);
  return vm === undefined ? { vmId, start: true } : parametersOf(vm, true);
};

async function bootMember(context: Context, member: ClusterMember, phase: PhaseOf): Promise<void> {
  await untilNetwork(context, member, phase);
  const parameters = asCreated(context, member);
  for (const step of partsOf(parameters)) {
    await step.run(forMember(context, member, { parameters, suffix: step.name, phase }));
  }
}

/** Fine with nothing to undo. */
async function undoMember(context: Context, member: ClusterMember, phase: PhaseOf): Promise<void> {
  if (hostOfMember(context.ledger.view, member) === undefined) return;
  const parameters = asCreated(context, member);
  for (const step of partsOf(parameters).toReversed()) {
    const suffix = `undo-${step.name}`;
    await step.undo?.(forMember(context, member, { parameters, suffix, phase }));
  }
}

async function undoMembers(context: Context, members: readonly ClusterMember[]): Promise<void> {
  const failed = await withMembers(context, members, (member, phase) =>
    undoMember(context, member, phase),
  );
  failTogether(failed, { what: "could not be removed", hint: "see to their hosts" });
}

const bootFrontend: StepDefinition<BootParameters> = {
  name: "boot-frontend",
  host: (view, parameters) => hostNameOfFrontend(view, parameters),
  async run(context) {
    for (const member of frontends(context)) await bootMember(context, member, phaseOf(context));
  },
  async undo(context) {
    await undoMembers(context, frontends(context));
  },
};

function hostNameOfFrontend(view: LedgerView, { frontend }: BootParameters): string | undefined {
  const hostId = frontend === undefined ? undefined : view.vms.get(frontend)?.placement?.hostId;
  return hostId === undefined ? undefined : view.hosts.get(hostId)?.name;
}

const computesOf = ({ ledger, parameters }: Context): readonly ClusterMember[] =>
  membersAmong(ledger.view, parameters, parameters.computes);

const bootComputes: StepDefinition<BootParameters> = {
  name: "boot-computes",
  async run(context) {
    const computes = computesOf(context);
    const failed = await withMembers(context, computes, (member, phase) =>
      bootMember(context, member, phase),
    );
    const { computes: all, tolerate } = context.parameters;
    const goneBefore = all.length - computes.length;
    if (failed.length > Math.max(0, tolerate - goneBefore)) {
      const allowed = tolerate === 0 ? "" : `, ${String(tolerate)} would have been tolerated`;
      failTogether(failed, {
        what: `could not be booted${allowed}`,
        hint: "nothing is left of the attempt; see to those hosts, or tolerate losses: --tolerate N",
      });
    }
    await giveUp(context, failed);
  },
  async undo(context) {
    await undoMembers(context, computesOf(context));
  },
};

/** One whose host cannot be asked keeps its place there until the cluster is cleaned. */
async function giveUp(context: Context, failed: readonly FailedMember[]): Promise<void> {
  const errors = new Map(failed.map(({ member, error }) => [member.vmId, whyOf(error)]));
  const members = failed.map(({ member }) => member);
  const left = await withMembers(context, members, async (member, phase) => {
    await undoMember(context, member, phase);
    await forgetMember(context, member, errors.get(member.vmId) ?? "");
  });
  if (left.length === 0) return;
  await context.ledger.transact((view) => {
    const cluster = clusterNow(view, context.parameters);
    if (cluster === undefined) return { changes: [], result: undefined };
    const why = left.map(({ member: { inside, vmId } }) => ({
      inside,
      why: `${errors.get(vmId) ?? ""}; what there is of it is removed with the cluster`,
    }));
    const changed = { ...cluster, givenUp: [...cluster.givenUp, ...why] };
    return { changes: [put("virtual-cluster", changed)], result: undefined };
  });
}

/** Of each host and storage once, however many members are there. */
function needsOf(sources: NeedSources, { frontend, computes }: BootParameters): readonly Need[] {
  const ids = frontend === undefined ? computes : [frontend, ...computes];
  const all = ids.flatMap((vmId) => {
    const vm = sources.view.vms.get(vmId);
    return volumeNeeds(sources, vm?.placement?.hostId, vm?.spec);
  });
  return [...new Map(all.map((need) => [`${need.kind}/${need.name}`, need])).values()];
}

/** The VMs that this operation was to make and that are there still. */
const heldVms = (view: LedgerView, operationId: string, ids: readonly VmId[]) =>
  ids.flatMap((vmId) => {
    const vm = view.vms.get(vmId);
    return vm?.operationId === operationId ? [vm] : [];
  });

export const bootCluster: OperationType<BootParameters> = {
  name: "cluster-boot",
  verb: "boot",
  needs: needsOf,
  steps: () => [makeNetwork, bootFrontend, bootComputes],
  ended(view, operation, outcome) {
    const { parameters, id } = operation;
    if (outcome === "succeeded") return releaseCluster(view, operation, { booted: true });
    const cluster = clusterNow(view, parameters);
    if (!isUndone(operation) || cluster?.operationId !== id) return releaseCluster(view, operation);
    const network = view.networks.get(cluster.network);
    const { frontend, computes } = parameters;
    const ids = frontend === undefined ? computes : [frontend, ...computes];
    return [
      remove("virtual-cluster", cluster),
      ...heldVms(view, id, ids).map((vm) => remove("vm", vm)),
      ...(network?.operationId === id ? [remove("network", network)] : []),
    ];
  },
};

/** The same for computes that join a cluster. */
export const growCluster: OperationType<BootParameters> = {
  name: "cluster-grow",
  verb: "grow",
  needs: needsOf,
  steps: () => [bootComputes],
  ended(view, operation, outcome): readonly RecordChange[] {
    const { parameters, id } = operation;
    if (outcome === "succeeded") return releaseCluster(view, operation, { booted: true });
    const cluster = clusterNow(view, parameters);
    if (!isUndone(operation) || cluster?.operationId !== id) return releaseCluster(view, operation);
    const undone = heldVms(view, id, parameters.computes);
    const gone = new Set(undone.map((vm) => vm.id));
    const members = cluster.members.filter(({ vmId }) => !gone.has(vmId));
    const { operationId: _operation, ...free } = cluster;
    return [put("virtual-cluster", { ...free, members }), ...undone.map((vm) => remove("vm", vm))];
  },
};
