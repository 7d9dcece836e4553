/** Brings a network to the hosts, or takes it from them, and waits until every connected one has said so. */
import { MusterError, type NetworkRecord } from "@muster/model";
import { put, remove, type RecordChange } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import { reasonsOf, waitForHosts } from "./network-reach.ts";
import type { OperationType, StepDefinition } from "./operation-type.ts";

export interface NetworkParameters {
  readonly name: string;
}

const reachHosts: StepDefinition<NetworkParameters> = {
  name: "reach-hosts",
  async run(context) {
    const missing = await waitForHosts(context, { name: context.parameters.name });
    if (missing.length === 0) return;
    const { name } = context.parameters;
    throw new MusterError("network-failed", `network ${name} is not on every connected host`, {
      reasons: missing.flatMap(reasonsOf),
      hint: `the network stays defined and the hosts go on trying: muster network show ${name}`,
    });
  },
};

const leaveHosts: StepDefinition<NetworkParameters> = {
  name: "leave-hosts",
  pointOfNoReturn: true,
  async run(context) {
    const missing = await waitForHosts(context, { name: context.parameters.name });
    if (missing.length === 0) return;
    const { name } = context.parameters;
    throw new MusterError("network-failed", `network ${name} is still on some hosts`, {
      reasons: missing.flatMap(reasonsOf),
      hint: "it stays marked for removal and the hosts go on trying; delete it again to wait for them",
    });
  },
};

function releaseNetwork(
  view: LedgerView,
  name: string,
  change: Partial<NetworkRecord> = {},
): readonly RecordChange[] {
  const record = view.networks.get(name);
  if (record === undefined) return [];
  const { operationId: _operation, ...free } = record;
  return [put("network", { ...free, ...change })];
}

const isUsed = (view: LedgerView, name: string): boolean =>
  [...view.vms.values()].some((vm) => vm.spec.nics.some((nic) => nic.network === name));

export const createNetwork: OperationType<NetworkParameters> = {
  name: "network-create",
  verb: "create",
  steps: () => [reachHosts],
  ended(view, operation, outcome) {
    const { name } = operation.parameters;
    const record = view.networks.get(name);
    // Who cancels does not want it; but a VM may have been put on it in the meantime.
    const isUnwanted = outcome === "cancelled" && !isUsed(view, name);
    if (isUnwanted && record !== undefined) return [remove("network", record)];
    return releaseNetwork(view, name);
  },
};

export const deleteNetwork: OperationType<NetworkParameters> = {
  name: "network-delete",
  verb: "delete",
  steps: () => [leaveHosts],
  ended(view, operation, outcome) {
    const { name } = operation.parameters;
    // Who cancels wants to keep it: the hosts bring back what they have removed.
    if (outcome === "cancelled") return releaseNetwork(view, name, { removing: false });
    if (outcome === "failed") return releaseNetwork(view, name);
    const record = view.networks.get(name);
    return record === undefined ? [] : [remove("network", record)];
  },
};
