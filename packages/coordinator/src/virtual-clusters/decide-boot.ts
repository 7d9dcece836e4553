/**
 * Decides a whole virtual cluster in one step: name, VLAN, addresses, MACs and a place for each member. The records
 * are the claim: what is decided here is nobody else's from this transaction on. Pure.
 */
import {
  computeNameOutside,
  invalid,
  isChosen,
  MusterError,
  overlaps,
  parseName,
  parseSubnet,
  privateNetworkName,
  type ClusterLease,
  type MemberTemplate,
  type NetworkRecord,
  type NetworkSpec,
  type OperationId,
  type VirtualClusterRecord,
  type VmRecord,
} from "@muster/model";
import { put, type RecordChange } from "../ledger/ledger.ts";
import { findNetwork, type LedgerView } from "../ledger/view.ts";
import { checkNetwork } from "../planning/check-network.ts";
import { takeVlan } from "./free-vlan.ts";
import { makeMembers, type MemberSources } from "./make-members.ts";
import type { ComputeWish } from "./place-members.ts";
import { privateSubnetSpec } from "./private-subnet.ts";

export interface BootRequest {
  /** One label. */
  readonly name: string;
  readonly image: string;
  readonly frontend: MemberTemplate;
  readonly compute: MemberTemplate;
  readonly computes: ComputeWish;
  /** Absent: the site gives none. */
  readonly publicAddress?: { readonly address: string; readonly fullName: string };
  readonly lease?: ClusterLease;
  readonly createdBy: string;
}

export interface BootDecision {
  readonly cluster: VirtualClusterRecord;
  readonly network: NetworkRecord;
  readonly vms: readonly VmRecord[];
  readonly explanation: readonly string[];
  readonly changes: (operationId: OperationId) => readonly RecordChange[];
}

/** The longest name that is put around a cluster's: "-private". */
const NAME_LENGTH_MAX = 63 - "-private".length;

/** Name of a cluster, which is its frontend's host name. */
export function parseClusterName(text: string, field: string): string {
  const name = parseName(text, field);
  if (name.includes("."))
    throw invalid(field, `"${name}" has a dot`, "it is one label: the frontend's host name");
  if (name.length > NAME_LENGTH_MAX) {
    const most = String(NAME_LENGTH_MAX);
    throw invalid(field, `${String(name.length)} characters, at most ${most} leave room for names`);
  }
  return name;
}

export function decideBoot(request: BootRequest, sources: MemberSources): BootDecision {
  const { view, now } = sources;
  const { name } = request;
  refuseTaken(view, name);
  const settings = view.virtualClusterSettings;
  const network = newNetwork(view, name, now);
  const publicPart = publicPartOf(view, network.spec, request);
  const domain = settings.domain === "" ? "" : `.${settings.domain}`;
  const base: VirtualClusterRecord = {
    name,
    image: request.image,
    frontend: request.frontend,
    compute: request.compute,
    members: [],
    computeCount: 0,
    network: network.spec.name,
    ...publicPart,
    fullName: request.publicAddress?.fullName ?? `${name}${domain}`,
    ...(request.lease === undefined ? {} : { lease: request.lease }),
    givenUp: [],
    booted: false,
    createdAt: now,
    createdBy: request.createdBy,
  };
  const { computes } = request;
  const made = makeMembers({ cluster: base, network, isNew: true, computes }, sources);
  const cluster = { ...base, members: made.members, computeCount: made.computeCount };
  const vlan = network.spec.segment.kind === "vlan" ? network.spec.segment.vlan : 0;
  return {
    cluster,
    network,
    vms: made.vms("" as OperationId),
    explanation: [
      `network ${network.spec.name}: VLAN ${String(vlan)}, ${settings.privateSubnet}`,
      ...(request.publicAddress === undefined
        ? []
        : [
            `public address: ${request.publicAddress.address} on ${String(settings.publicNetwork)}, ${cluster.fullName}`,
          ]),
      ...made.explanation,
    ],
    changes: (operationId) => [
      put("virtual-cluster", { ...cluster, operationId }),
      put("network", { ...network, operationId, changedBy: operationId }),
      ...made.vms(operationId).map((vm) => put("vm", vm)),
      put("cluster", { ...view.cluster, macCount: made.macCount }),
    ],
  };
}

function refuseTaken(view: LedgerView, name: string): void {
  if (view.virtualClusters.has(name)) {
    throw new MusterError("already-exists", `there is already a virtual cluster named ${name}`, {
      hint: `see: muster cluster show ${name}; boot this one under another name: --name`,
    });
  }
  const network = privateNetworkName(name);
  if (view.networks.has(network)) {
    throw new MusterError("already-exists", `there is already a network named ${network}`, {
      hint: `boot the cluster under another name than ${name}: --name`,
    });
  }
  if (view.vmByName(computeNameOutside(name, 0)) !== undefined) {
    throw new MusterError("already-exists", `VMs are already named like computes of ${name}`, {
      hint: "boot the cluster under another name: --name",
    });
  }
}

function newNetwork(view: LedgerView, name: string, createdAt: string): NetworkRecord {
  const settings = view.virtualClusterSettings;
  const spec: NetworkSpec = {
    name: privateNetworkName(name),
    segment: { kind: "vlan", vlan: takeVlan(view) },
    mtu: settings.mtu,
    ...(settings.uplink === undefined ? {} : { uplink: settings.uplink }),
    hosts: settings.hosts,
    required: false,
    subnets: [privateSubnetSpec(settings.privateSubnet, settings.domain)],
    guards: { mac: false, arp: false, ipv4: false, ipv6: false },
    macs: { kind: "cluster" },
    isolated: true,
  };
  if (![...view.hosts.values()].some((host) => isChosen(spec.hosts, host))) {
    throw new MusterError("no-placement", "no host may run virtual clusters", {
      hint: "enrol one: muster host invite NAME; or choose others: muster cluster settings set --host",
    });
  }
  checkNetwork(view, spec);
  return { spec, createdAt, removing: false };
}

/** A frontend with the same subnet on both sides could reach nobody on either. */
function publicPartOf(
  view: LedgerView,
  own: NetworkSpec,
  { publicAddress }: BootRequest,
): Pick<VirtualClusterRecord, "publicNetwork" | "publicAddress"> {
  const { publicNetwork } = view.virtualClusterSettings;
  if (publicNetwork === undefined) return {};
  const { spec } = findNetwork(view, publicNetwork);
  const clash = spec.subnets.find((subnet) =>
    own.subnets.some(({ cidr }) =>
      overlaps(parseSubnet(cidr, "private_subnet"), parseSubnet(subnet.cidr, "subnet")),
    ),
  );
  if (clash !== undefined) {
    throw new MusterError(
      "wrong-state",
      `the private subnet of virtual clusters overlaps ${clash.cidr} of their public network ${publicNetwork}`,
      { hint: "choose another one: muster cluster settings set --subnet" },
    );
  }
  return {
    publicNetwork,
    ...(publicAddress === undefined ? {} : { publicAddress: publicAddress.address }),
  };
}
