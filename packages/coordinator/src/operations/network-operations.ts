/** Brings a network to the hosts, or takes it from them, and waits until every connected one has said so. */
import { MusterError, type HostRecord, type NetworkRecord } from "@muster/model";
import { put, remove, type RecordChange } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import { shouldHave } from "../planning/host-network.ts";
import { hostOutcome, type HostOutcome } from "./host-outcome.ts";
import type { OperationType, StepContext, StepDefinition } from "./operation-type.ts";

export interface NetworkParameters {
  readonly name: string;
}

/** A host that takes longer than this to make a bridge has a problem that people should hear of. */
const REACH_LIMIT_MS = 60_000;
const REACH_PERIOD_MS = 100;

/** A coordinator that has just started knows no host yet; agents are back within a few seconds. */
const RECONNECT_MS = 10_000;

interface OnHost {
  readonly host: string;
  readonly outcome: HostOutcome;
}

/** What the connected hosts that should have the network say of it, and those that are still about to reconnect. */
function sightings(context: StepContext<NetworkParameters>): readonly OnHost[] {
  const { ledger, observations, parameters } = context;
  const { name: network } = parameters;
  const record = ledger.view.networks.get(network);
  if (record === undefined) return [];
  const isExpected = (host: HostRecord): boolean =>
    host.connectedBefore && !observations.isKnown(host.id) && observations.ageMs < RECONNECT_MS;
  return [...ledger.view.hosts.values()]
    .filter((host) => observations.stateOf(host) === "online" || isExpected(host))
    .filter((host) => record.removing || shouldHave(record, host))
    .map((host) => ({
      host: host.name,
      // One that has not reconnected yet has said nothing, and that means nothing.
      outcome:
        observations.stateOf(host) === "online"
          ? hostOutcome(ledger.view, host, { observed: observations.get(host.id), network })
          : { kind: "waiting" },
    }));
}

async function waitForHosts(context: StepContext<NetworkParameters>): Promise<readonly OnHost[]> {
  const untilMs = context.clock.now() + REACH_LIMIT_MS;
  for (;;) {
    context.signal.throwIfAborted();
    const all = sightings(context);
    const missing = all.filter(({ outcome }) => outcome.kind !== "done");
    context.phase(`${String(all.length - missing.length)} of ${String(all.length)} hosts are done`);
    if (missing.length === 0 || context.clock.now() >= untilMs) return missing;
    // A host that has tried and failed will not be better in a moment.
    if (missing.every(({ outcome }) => outcome.kind === "failed")) return missing;
    await context.clock.sleep(REACH_PERIOD_MS, context.signal);
  }
}

const reasonsOf = ({ host, outcome }: OnHost): readonly string[] =>
  outcome.kind === "failed"
    ? outcome.reasons
    : [`${host}: has not answered within ${String(REACH_LIMIT_MS / 1000)} s`];

const reachHosts: StepDefinition<NetworkParameters> = {
  name: "reach-hosts",
  async run(context) {
    const missing = await waitForHosts(context);
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
    const missing = await waitForHosts(context);
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
