/** What of the cluster's networks, uplinks and interfaces one host should have, and the name of that whole. Pure. */
import { createHash } from "node:crypto";
import {
  isChosen,
  isMoreExact,
  noHostNetworking,
  type Changeable,
  type HostInterfacesRecord,
  type HostNetworkAssignment,
  type HostRecord,
  type NetworkRecord,
  type NetworkSpec,
  type UplinkRecord,
  type UplinkSpec,
} from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";

type Said<Spec> = Pick<Changeable<Spec>, "spec" | "changedBy">;

/** While a record changes, hosts that were not told yet keep what it said before. Undefined: they had nothing. */
export function saidTo<Spec>(
  { spec, changedBy, rollout }: Changeable<Spec>,
  host: Pick<HostRecord, "id">,
): Said<Spec> | undefined {
  const by = changedBy === undefined ? {} : { changedBy };
  if (rollout === undefined || rollout.told.includes(host.id)) return { spec, ...by };
  return rollout.previous;
}

/** Undefined: the host should not have it. */
function networkFor(record: NetworkRecord, host: HostRecord): Said<NetworkSpec> | undefined {
  if (record.removing) return undefined;
  const said = saidTo(record, host);
  return said !== undefined && isChosen(said.spec.hosts, host) ? said : undefined;
}

/** True also where a change is on its way and has not arrived. */
export const shouldHave = (network: NetworkRecord, host: HostRecord): boolean =>
  networkFor(network, host) !== undefined;

function networksFor(view: LedgerView, host: HostRecord): readonly Said<NetworkSpec>[] {
  const all = [...view.networks.values()].flatMap((record) => networkFor(record, host) ?? []);
  return all.toSorted((left, right) => (left.spec.name < right.spec.name ? -1 : 1));
}

/** Of each label the most exact one that fits the host. */
function uplinksFor(
  uplinks: Iterable<UplinkRecord>,
  host: HostRecord,
): ReadonlyMap<string, Said<UplinkSpec>> {
  const best = new Map<string, Said<UplinkSpec>>();
  for (const record of uplinks) {
    const said = saidTo(record, host);
    if (said === undefined || !isChosen(said.spec.hosts, host)) continue;
    const { label, hosts } = said.spec;
    const other = best.get(label);
    if (other === undefined || isMoreExact(hosts, other.spec.hosts)) best.set(label, said);
  }
  return best;
}

/** The uplink of this label on a host; undefined: there is none. */
export const uplinkOf = (
  view: LedgerView,
  label: string,
  host: HostRecord,
): UplinkSpec | undefined => uplinksFor(view.uplinks.values(), host).get(label)?.spec;

function interfacesFor(
  record: HostInterfacesRecord | undefined,
  host: HostRecord,
): Said<HostInterfacesRecord["spec"]> | undefined {
  return record === undefined ? undefined : saidTo(record, host);
}

/** Sixteen hexadecimal digits: enough to tell the configurations of a host's life apart. */
const REVISION_LENGTH = 16;

/** What a host does differently for it. Who else has a network, or needs it, does not concern it. */
const concerning = ({ spec, changedBy }: Said<NetworkSpec>): unknown => {
  const { name, segment, mtu, uplink = "", subnets, guards } = spec;
  return [changedBy ?? "", name, segment, mtu, uplink, subnets, guards];
};

export interface HostNetwork extends Omit<HostNetworkAssignment, "attempt" | "confirmTimeoutMs"> {
  readonly networks: readonly NetworkSpec[];
}

export function hostNetworkOf(view: LedgerView, host: HostRecord): HostNetwork {
  const networks = networksFor(view, host);
  const uplinks = [...uplinksFor(view.uplinks.values(), host).values()].toSorted((left, right) =>
    left.spec.label < right.spec.label ? -1 : 1,
  );
  const record = view.interfaces.get(host.name);
  const own = interfacesFor(record, host);
  const told = uplinks.map(({ spec: { hosts: _hosts, ...uplink } }) => uplink);
  const { bonds, interfaces } = own?.spec ?? noHostNetworking;
  const content = JSON.stringify([
    networks.map(concerning),
    uplinks.map(({ changedBy = "" }, index) => [changedBy, told[index]]),
    [own?.changedBy ?? "", bonds, interfaces],
  ]);
  return {
    revision: createHash("sha256").update(content).digest("hex").slice(0, REVISION_LENGTH),
    overrideProtected: mayOverride(view, host),
    networks: networks.map(({ spec }) => spec),
    uplinks: told,
    bonds,
    interfaces,
  };
}

/** Somebody who changes something of this host at the moment said that it may cost the host's own traffic. */
function mayOverride(view: LedgerView, host: HostRecord): boolean {
  const records = [
    ...view.networks.values(),
    ...view.uplinks.values(),
    ...[view.interfaces.get(host.name) ?? []].flat(),
  ];
  return records.some((record) => record.overrideProtected === true);
}
