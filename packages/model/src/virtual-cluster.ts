/**
 * Virtual clusters: a frontend and computes that are booted, listed and removed as one. What the members have (CPUs,
 * addresses, MACs, hosts) stands in their VM records and nowhere else; the record here says who belongs together.
 */
import type { HostChoice } from "./host-choice.ts";
import type { OperationId, VmId } from "./ids.ts";
import type { VlanRange } from "./network.ts";
import type { NicSpec, VmSpec } from "./vm.ts";

export type MemberRole = "frontend" | "compute";

/** What a member is made from; names, CPUs of computes and the first NICs are the cluster's to say. */
export interface MemberTemplate extends Omit<VmSpec, "name" | "nics"> {
  /** Behind the NICs every member has. */
  readonly extraNics: readonly (Omit<NicSpec, "mac"> & { readonly mac?: string })[];
}

export interface ClusterMember {
  readonly role: MemberRole;
  /** What the guest calls itself: the cluster's name, "compute-0". */
  readonly inside: string;
  readonly vmId: VmId;
}

export interface ClusterLease {
  /** RFC 3339. Then the cluster is shut down and cleaned. */
  readonly endsAt: string;
  /** How long before the end people are told. */
  readonly warnSeconds: number;
  /** RFC 3339; absent: not told yet. */
  readonly warnedAt?: string;
}

/** A compute that could not be booted and was tolerated. */
export interface GivenUpMember {
  readonly inside: string;
  readonly why: string;
}

export interface VirtualClusterRecord {
  /** Of the frontend too. */
  readonly name: string;
  /** What its disks start from, as it was asked for; for people. */
  readonly image: string;
  readonly frontend: MemberTemplate;
  readonly compute: MemberTemplate;
  /** Frontend first. */
  readonly members: readonly ClusterMember[];
  /** Computes that were ever numbered: a number is not used twice. */
  readonly computeCount: number;
  /** Its own, made with it and removed with it. */
  readonly network: string;
  readonly publicNetwork?: string;
  /** Of the frontend on the public network. */
  readonly publicAddress?: string;
  /** Name of the public address, or the name within the site's domain. */
  readonly fullName: string;
  readonly lease?: ClusterLease;
  readonly givenUp: readonly GivenUpMember[];
  /** True once its first boot succeeded. */
  readonly booted: boolean;
  /** The operation that works on it: one at a time. */
  readonly operationId?: OperationId;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly createdBy: string;
}

/** What a site gives to virtual clusters: one record for all. */
export interface VirtualClusterSettings {
  /** A cluster's private network takes the lowest that is free. None: no cluster can be booted. */
  readonly vlans: readonly VlanRange[];
  /** Label of the uplink that carries those VLANs; absent: the one the hosts' agents are configured with. */
  readonly uplink?: string;
  /** Where members may run. */
  readonly hosts: HostChoice;
  /** The same in every cluster: "10.1.0.0/16". */
  readonly privateSubnet: string;
  /** Its subnets' ranges give the public addresses; absent: frontends have none. */
  readonly publicNetwork?: string;
  /** CPUs of each host that computes are never given. */
  readonly cpusReserved: number;
  /** Behind the names of clusters without a public address: "cluster.example.org". Empty: none. */
  readonly domain: string;
  /** Bytes, of private networks. */
  readonly mtu: number;
}

export const defaultVirtualClusterSettings: VirtualClusterSettings = {
  vlans: [],
  hosts: { kind: "all" },
  privateSubnet: "10.1.0.0/16",
  cpusReserved: 0,
  domain: "",
  mtu: 1500,
};

/**
 * Members of one cluster, the frontend included. A boot is one transaction of the store with a record for each of
 * them; more than this would not fit into one.
 */
export const CLUSTER_MEMBERS_MAX = 100;

/** Outside, where names are the site's; inside it is "compute-3". */
export const computeNameOutside = (cluster: string, index: number): string =>
  `vm-${cluster}-${String(index)}`;

export const computeNameInside = (index: number): string => `compute-${String(index)}`;

export const privateNetworkName = (cluster: string): string => `${cluster}-private`;
