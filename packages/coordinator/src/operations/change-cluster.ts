/** Operations on a virtual cluster that is there: start, shut down, lose computes, be removed. */
import { MusterError, type ClusterMember, type VmId } from "@muster/model";
import { put, remove } from "../ledger/ledger.ts";
import {
  clusterNow,
  failTogether,
  forgetMember,
  forMember,
  hostOfMember,
  membersAmong,
  releaseCluster,
  withMembers,
  type ClusterParameters,
  type PhaseOf,
} from "./cluster-members.ts";
import { reasonsOf, waitForHosts } from "./network-reach.ts";
import type { OperationType, StepContext, StepDefinition } from "./operation-type.ts";

export interface ChangeClusterParameters extends ClusterParameters {
  readonly frontends: readonly VmId[];
  readonly computes: readonly VmId[];
  /** How long guests get to shut down. */
  readonly graceMs: number;
  /** Pull the plug of those that have not by then. */
  readonly force: boolean;
}

type Context = StepContext<ChangeClusterParameters>;
type Which = "frontends" | "computes";

/** What a host gets on top of the guest's grace before the command counts as lost. */
const MARGIN_MS = 30_000;

const those = ({ ledger, parameters }: Context, which: Which): readonly ClusterMember[] =>
  membersAmong(ledger.view, parameters, parameters[which]);

async function stopMember(context: Context, member: ClusterMember, phase: PhaseOf): Promise<void> {
  const hostId = hostOfMember(context.ledger.view, member);
  if (hostId === undefined) return;
  const { graceMs, force } = context.parameters;
  const { vmId } = member;
  const limitMs = graceMs + MARGIN_MS;
  const gently = forMember(context, member, { parameters: {}, suffix: "shut-down", phase });
  phase("waiting for the guest to shut down");
  try {
    await gently.command(hostId, { kind: "stop-vm", vmId, force: false, graceMs }, { limitMs });
  } catch (error) {
    if (!force || context.signal.aborted || context.stopping.aborted) throw error;
    phase("stopping by force");
    const hard = forMember(context, member, { parameters: {}, suffix: "pull-plug", phase });
    await hard.command(hostId, { kind: "stop-vm", vmId, force: true, graceMs: 0 });
  }
}

const stop = (which: Which): StepDefinition<ChangeClusterParameters> => ({
  name: `stop-${which}`,
  async run(context) {
    const failed = await withMembers(context, those(context, which), (member, phase) =>
      stopMember(context, member, phase),
    );
    failTogether(failed, {
      what: "did not shut down",
      hint: "give them longer: --grace 10m, or pull their plugs then: --force",
    });
  },
});

const start = (which: Which): StepDefinition<ChangeClusterParameters> => ({
  name: `start-${which}`,
  async run(context) {
    const failed = await withMembers(context, those(context, which), async (member, phase) => {
      const { vmId, inside } = member;
      const spec = context.ledger.view.vms.get(vmId)?.spec;
      const hostId = hostOfMember(context.ledger.view, member);
      if (spec === undefined || hostId === undefined) {
        throw new MusterError("not-found", `${inside} is not on any host`);
      }
      phase("starting");
      const own = forMember(context, member, { parameters: {}, suffix: "", phase });
      await own.command(hostId, { kind: "start-vm", vmId, spec });
    });
    failTogether(failed, {
      what: "could not be started",
      hint: "those that run go on; see to the hosts of the others, then start the cluster again",
    });
  },
});

const removeMembers = (which: Which): StepDefinition<ChangeClusterParameters> => ({
  name: `delete-${which}`,
  // A removed volume does not come back.
  pointOfNoReturn: true,
  async run(context) {
    const failed = await withMembers(context, those(context, which), async (member, phase) => {
      const { vmId } = member;
      const spec = context.ledger.view.vms.get(vmId)?.spec;
      const hostId = hostOfMember(context.ledger.view, member);
      phase("removing the domain and its volumes");
      if (hostId !== undefined && spec !== undefined) {
        const own = forMember(context, member, { parameters: {}, suffix: "", phase });
        await own.command(hostId, { kind: "delete-vm", vmId, spec, deleteVolumes: true });
      }
      await forgetMember(context, member);
    });
    failTogether(failed, {
      what: "could not be removed",
      hint: "the others are gone; see to those hosts, then do it again",
    });
  },
});

const removeNetwork: StepDefinition<ChangeClusterParameters> = {
  name: "remove-network",
  async run(context) {
    const name = clusterNow(context.ledger.view, context.parameters)?.network ?? "";
    await context.ledger.transact((view) => {
      const network = view.networks.get(name);
      if (network === undefined || network.removing) return { changes: [], result: undefined };
      return { changes: [put("network", { ...network, removing: true })], result: undefined };
    });
    const missing = await waitForHosts(context, { name });
    if (missing.length === 0) return;
    throw new MusterError("network-failed", `network ${name} is still on some hosts`, {
      reasons: missing.flatMap(reasonsOf),
      hint: "the hosts go on trying; clean the cluster again to wait for them",
    });
  },
};

const operation = (
  name: string,
  verb: string,
  steps: readonly StepDefinition<ChangeClusterParameters>[],
): OperationType<ChangeClusterParameters> => ({
  name: `cluster-${name}`,
  verb,
  steps: () => steps,
  ended: (view, ended) => releaseCluster(view, ended),
});

const cleanCluster: OperationType<ChangeClusterParameters> = {
  ...operation("clean", "clean", [
    removeMembers("computes"),
    removeMembers("frontends"),
    removeNetwork,
  ]),
  ended(view, ended, outcome) {
    if (outcome !== "succeeded") return releaseCluster(view, ended);
    const cluster = clusterNow(view, ended.parameters);
    if (cluster === undefined) return [];
    const network = view.networks.get(cluster.network);
    return [
      remove("virtual-cluster", cluster),
      ...(network === undefined ? [] : [remove("network", network)]),
    ];
  },
};

export const changeClusterOperations: readonly OperationType<ChangeClusterParameters>[] = [
  operation("start", "start", [start("frontends"), start("computes")]),
  operation("shutdown", "shut down", [stop("computes"), stop("frontends")]),
  operation("shrink", "shrink", [stop("computes"), removeMembers("computes")]),
  cleanCluster,
];
