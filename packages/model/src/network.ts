/** A network: a named L2 segment, defined once for all hosts, with the addresses that are given out on it. */
import type { Changeable } from "./changeable.ts";
import type { HostChoice } from "./host-choice.ts";

/** First and last, both included; equal for a single id. */
export interface VlanRange {
  readonly first: number;
  readonly last: number;
}

/** How frames of the network travel on the uplink. */
export type Segment =
  /** Tagged with one VLAN id, 1 to 4094. */
  | { readonly kind: "vlan"; readonly vlan: number }
  /** As they are. */
  | { readonly kind: "untagged" }
  /** Tagged by the guest itself, with these ids and no others. */
  | { readonly kind: "trunk"; readonly vlans: readonly VlanRange[] }
  /** In UDP between the hosts, 1 to 16777215: no switch has to know it. */
  | { readonly kind: "vxlan"; readonly vni: number };

export type NetworkKind = Segment["kind"];

export const networkKinds: readonly NetworkKind[] = ["vlan", "untagged", "trunk", "vxlan"];

/** First and last address, both included, in canonical text. */
export interface AddressRange {
  readonly first: string;
  readonly last: string;
}

/** static: guests learn their address from their context. dhcp: from us, as fixed leases. */
export type AddressMode = "static" | "dhcp";

export interface SubnetSpec {
  /** "10.1.0.0/24" or "2001:db8:1::/64", no host bits set. */
  readonly cidr: string;
  readonly mode: AddressMode;
  readonly gateway?: string;
  readonly dns: readonly string[];
  /** Where VMs' addresses come from; none: the whole subnet. */
  readonly ranges: readonly AddressRange[];
  /** Never given out. */
  readonly exclusions: readonly AddressRange[];
  /** Reverse lookup names are made with it: "web-1" in "example.org". */
  readonly domain?: string;
  /** Hosts translate the VMs' addresses to their own: a private network that reaches the outside. */
  readonly nat: boolean;
}

/** What a guest may not do on the network: send with a MAC, ARP or IP address that is not its own. */
export interface NetworkGuards {
  readonly mac: boolean;
  readonly arp: boolean;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
}

export const noGuards: NetworkGuards = { mac: false, arp: false, ipv4: false, ipv6: false };

/** Where MAC addresses of NICs come from that were given none. */
export type MacPool =
  /** 02:6d:CC:NN:NN:NN, CC from the cluster's id, N counts. */
  | { readonly kind: "cluster" }
  /** One to five octets, the rest counts: "52:54:00". */
  | { readonly kind: "prefix"; readonly prefix: string }
  /** Two octets and the four of the NIC's first IPv4 address: "02:00". */
  | { readonly kind: "from-ipv4"; readonly prefix: string }
  /** Locally administered, at random. */
  | { readonly kind: "random" };

/** Written by the API only. */
export interface NetworkSpec {
  readonly name: string;
  readonly segment: Segment;
  /** Bytes. */
  readonly mtu: number;
  /** Label of the uplink it rides on; absent: the one the host's agent is configured with. */
  readonly uplink?: string;
  /** Hosts that should have it. */
  readonly hosts: HostChoice;
  /** True: a host that cannot have it takes no new VM that has a NIC at all. */
  readonly required: boolean;
  readonly subnets: readonly SubnetSpec[];
  readonly guards: NetworkGuards;
  readonly macs: MacPool;
  /**
   * True: nothing but its VMs is on it and no host routes it, so its subnets may be those of other networks too.
   * Absent: false.
   */
  readonly isolated?: boolean;
}

/** The VLAN id of a network that has just one; 0: none, or several. */
export const vlanOf = ({ segment }: Pick<NetworkSpec, "segment">): number =>
  segment.kind === "vlan" ? segment.vlan : 0;

const renderRange = ({ first, last }: VlanRange): string =>
  first === last ? String(first) : `${String(first)}-${String(last)}`;

export const renderVlans = (ranges: readonly VlanRange[]): string =>
  ranges.map(renderRange).join(",");

/** For people: "VLAN 10", "trunk of VLANs 10,20-29". */
export function renderSegment(segment: Segment): string {
  switch (segment.kind) {
    case "vlan":
      return `VLAN ${String(segment.vlan)}`;
    case "untagged":
      return "untagged";
    case "trunk":
      return `trunk of VLANs ${renderVlans(segment.vlans)}`;
    case "vxlan":
      return `VXLAN ${String(segment.vni)}`;
  }
}

/** All that a network need not say. */
export const networkDefaults = {
  mtu: 1500,
  hosts: { kind: "all" },
  required: false,
  subnets: [],
  guards: noGuards,
  macs: { kind: "cluster" },
} as const satisfies Partial<NetworkSpec>;

export const MTU_DEFAULT_BYTES = networkDefaults.mtu;
/** IPv6 needs 1280; 9216 is the largest jumbo frame common switches carry. */
export const MTU_MIN_BYTES = 1280;
export const MTU_MAX_BYTES = 9216;

/** 24 bits. */
export const VNI_MAX = 16_777_215;

/** ready: NICs can be attached. missing: not there, and nothing said why. failed: tried, and the message says why. */
export type NetworkState = "ready" | "missing" | "failed";

/** What else rides on a network or uplink of a host, so that touching it can cut the host off. */
export const trafficKinds = ["agent", "migration"] as const;

export type TrafficKind = (typeof trafficKinds)[number];

/** One network on one host. Written from agents' reports only. */
export interface NetworkObservation {
  readonly name: string;
  readonly state: NetworkState;
  /** Why it is not ready; empty otherwise. */
  readonly message: string;
  /** VLAN id that is configured; 0: none, several, or unknown. */
  readonly vlan: number;
  /** "openvswitch", "linux-bridge", "vlan-bridges" or "simulated". */
  readonly driver: string;
  readonly bridge: string;
  /** What should be there, for people: "VLAN 10 on muster0, MTU 1500". Empty: the agent does not say. */
  readonly wanted: string;
  /** What is there. Empty: the agent does not say. */
  readonly found: string;
  /** Not empty: protected. */
  readonly carries: readonly TrafficKind[];
}

/** A network as it is stored. */
export interface NetworkRecord extends Changeable<NetworkSpec> {
  /** True from the moment its removal was accepted: hosts no longer should have it, VMs may not use it. */
  readonly removing: boolean;
}

/** An address kept for somebody; written by the API only. */
export interface AddressReservation {
  readonly network: string;
  /** Canonical text, without prefix length. */
  readonly address: string;
  /** Whose it is: a VM of this name gets it, anything else just keeps it from being given out. */
  readonly name: string;
  /** RFC 3339. */
  readonly createdAt: string;
}
