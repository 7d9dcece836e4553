/**
 * Changes a network, an uplink or a host's own interfaces from host to host. Each host makes its change a transaction and
 * undoes it by itself when the coordinator is not heard over it; the first that had to stops the change, and those that
 * already have it go back.
 */
import {
  MusterError,
  type Changeable,
  type HostId,
  type HostInterfacesSpec,
  type HostRecord,
  type NetworkRecord,
  type NetworkSpec,
  type UplinkSpec,
} from "@muster/model";
import { put, remove, type RecordChange } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import { hostOutcome } from "./host-outcome.ts";
import type { OperationType, StepContext, StepDefinition } from "./operation-type.ts";

export interface ChangeParameters {
  /** In its table: the name of a network, the key of an uplink, the name of a host. */
  readonly key: string;
  /** Hosts in the order in which they are changed. */
  readonly hosts: readonly HostId[];
  /** Go on with the other hosts when one had to undo it. */
  readonly keepGoing: boolean;
}

type Context = StepContext<ChangeParameters>;
type Spec = NetworkSpec | UplinkSpec | HostInterfacesSpec;
type ChangedRecord = Changeable<Spec>;

/** How one kind of record is read and written. */
interface Table {
  readonly kind: "network" | "uplink" | "interfaces";
  readonly find: (view: LedgerView, key: string) => ChangedRecord | undefined;
  readonly write: (record: ChangedRecord) => RecordChange;
  readonly erase: (record: ChangedRecord) => RecordChange;
}

const networks: Table = {
  kind: "network",
  find: (view, key) => view.networks.get(key),
  write: (record) => put("network", record as NetworkRecord),
  erase: (record) => remove("network", record as NetworkRecord),
};

const uplinks: Table = {
  kind: "uplink",
  find: (view, key) => view.uplinks.get(key),
  write: (record) => put("uplink", record as Changeable<UplinkSpec>),
  erase: (record) => remove("uplink", record as Changeable<UplinkSpec>),
};

const interfaces: Table = {
  kind: "interfaces",
  find: (view, key) => view.interfaces.get(key),
  write: (record) => put("interfaces", record as Changeable<HostInterfacesSpec>),
  erase: (record) => remove("interfaces", record as Changeable<HostInterfacesSpec>),
};

/** Twice the time a host waits to be heard, and time to make what it should. */
const HOST_LIMIT_MS = 60_000;
const PERIOD_MS = 100;

/** One host after the other; those that are not connected are told, and change when they are back. */
async function rollOut(table: Table, context: Context): Promise<void> {
  const { hosts, keepGoing } = context.parameters;
  const reasons: string[] = [];
  for (const [index, hostId] of hosts.entries()) {
    context.signal.throwIfAborted();
    const host = context.ledger.view.hosts.get(hostId);
    if (host === undefined) continue;
    context.phase(`${host.name}, ${String(index + 1)} of ${String(hosts.length)} hosts`);
    await tell(table, context, hostId);
    const failed = await waitFor(table, context, host);
    reasons.push(...failed);
    if (failed.length > 0 && !keepGoing) throw undone(table, context, reasons);
  }
  if (reasons.length > 0) throw undone(table, context, reasons);
}

function undone({ kind }: Table, context: Context, reasons: readonly string[]): MusterError {
  const { key, keepGoing } = context.parameters;
  const which = keepGoing ? "on some hosts" : "on the first host that could not keep it";
  return new MusterError("network-failed", `the change of ${kind} ${key} was undone ${which}`, {
    reasons,
    hint: keepGoing
      ? "hosts that had to undo it try again by themselves, less and less often"
      : "the hosts that already had it go back; mend that host, or go on without it: --keep-going",
  });
}

async function tell(table: Table, { ledger, parameters }: Context, hostId: HostId): Promise<void> {
  await ledger.transact((view) => {
    const record = table.find(view, parameters.key);
    const { rollout } = record ?? {};
    if (record === undefined || rollout === undefined || rollout.told.includes(hostId)) {
      return { changes: [], result: undefined };
    }
    const told = [...rollout.told, hostId];
    return {
      changes: [table.write({ ...record, rollout: { ...rollout, told } })],
      result: undefined,
    };
  });
}

/** Why it did not stay on the host; empty: it did, or the host is not connected. */
async function waitFor(
  table: Table,
  context: Context,
  host: HostRecord,
): Promise<readonly string[]> {
  const { ledger, observations, clock, parameters } = context;
  const network = table.kind === "network" ? { network: parameters.key } : {};
  const untilMs = clock.now() + HOST_LIMIT_MS;
  while (clock.now() < untilMs) {
    context.signal.throwIfAborted();
    const observed = observations.get(host.id);
    const outcome = hostOutcome(ledger.view, host, { observed, ...network });
    if (outcome.kind === "done") return [];
    if (outcome.kind === "failed") return outcome.reasons;
    await clock.sleep(PERIOD_MS, context.signal);
  }
  if (observations.stateOf(host) !== "online") return [];
  return [`${host.name}: has not answered within ${String(HOST_LIMIT_MS / 1000)} s`];
}

/** What it was before the change; undefined: it was not. */
function backTo(record: ChangedRecord): ChangedRecord | undefined {
  const { rollout } = record;
  if (rollout === undefined) return settled(record);
  if (rollout.previous === undefined) return undefined;
  const { changedBy: _changedBy, ...rest } = settled(record);
  return { ...rest, ...rollout.previous };
}

/** Without what belongs to a change that is on its way. */
function settled(record: ChangedRecord): ChangedRecord {
  const {
    rollout: _rollout,
    operationId: _operation,
    overrideProtected: _override,
    ...rest
  } = record;
  return rest;
}

/** The hosts go back as soon as the record does; the operation still holds it, and waits for them. */
async function takeBack(table: Table, context: Context): Promise<void> {
  const { ledger, parameters, observations, clock, operation } = context;
  const told = await ledger.transact((view) => {
    const record = table.find(view, parameters.key);
    if (record?.rollout === undefined || record.operationId !== operation.id) {
      return { changes: [], result: [] };
    }
    const before = backTo(record);
    const changes =
      before === undefined
        ? [table.erase(record)]
        : [table.write({ ...before, operationId: operation.id })];
    return { changes, result: record.rollout.told };
  });
  const untilMs = clock.now() + HOST_LIMIT_MS;
  const isBack = (hostId: HostId): boolean => {
    const host = ledger.view.hosts.get(hostId);
    if (host === undefined || observations.stateOf(host) !== "online") return true;
    return (
      hostOutcome(ledger.view, host, { observed: observations.get(hostId) }).kind !== "waiting"
    );
  };
  while (clock.now() < untilMs && !told.every(isBack)) {
    context.phase("hosts go back");
    await clock.sleep(PERIOD_MS, context.stopping);
  }
}

function changeOf(table: Table): OperationType<ChangeParameters> {
  const step: StepDefinition<ChangeParameters> = {
    name: "roll-out",
    run: (context) => rollOut(table, context),
    undo: (context) =>
      context.parameters.keepGoing ? Promise.resolve() : takeBack(table, context),
  };
  return {
    name: `${table.kind}-set`,
    verb: "change",
    steps: () => [step],
    ended(view, operation, outcome) {
      const record = table.find(view, operation.parameters.key);
      if (record?.operationId !== operation.id) return [];
      const isKept = outcome === "succeeded" || operation.parameters.keepGoing;
      const after = isKept ? settled(record) : backTo(record);
      return [after === undefined ? table.erase(record) : table.write(after)];
    },
  };
}

export const changeNetwork = changeOf(networks);
export const changeUplink = changeOf(uplinks);
export const changeInterfaces = changeOf(interfaces);
