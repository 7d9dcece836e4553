/** What networks ride on, and the addresses of the hosts themselves. */
import type { Changeable } from "./changeable.ts";
import type { HostChoice } from "./host-choice.ts";

/** How a NIC of a host is found: by what it is called, by its address, or by what drives it. */
export type NicMatch =
  /** Exact, or with "*" at the end: "eth1", "enp65s0f*". */
  | { readonly by: "name"; readonly name: string }
  | { readonly by: "mac"; readonly mac: string }
  /** Name of the kernel driver, "*" allowed at the end: "mlx5_core", "ixgbe*". */
  | { readonly by: "driver"; readonly driver: string };

export const bondModes = [
  "balance-rr",
  "active-backup",
  "balance-xor",
  "broadcast",
  "802.3ad",
  "balance-tlb",
  "balance-alb",
] as const;

export type BondMode = (typeof bondModes)[number];

export const transmitHashes = ["layer2", "layer2+3", "layer3+4", "encap2+3", "encap3+4"] as const;

export type TransmitHash = (typeof transmitHashes)[number];

/** Members are those of what it belongs to, in order. */
export interface BondSpec {
  /** Name of the kernel's device. */
  readonly name: string;
  readonly mode: BondMode;
  /** How often LACP partners are asked to speak: every 30 s, or every second. 802.3ad only. */
  readonly lacpRate: "slow" | "fast";
  readonly transmitHash: TransmitHash;
  /** Milliseconds between looks at the carrier. */
  readonly miimonMs: number;
  /** With fewer members that have a carrier the bond is down. */
  readonly minLinks: number;
}

/** A NIC or bond that networks ride on, for some hosts. Written by the API only. */
export interface UplinkSpec {
  readonly label: string;
  /** Of several that fit a host, the most exact counts: named, labels, pool, all. */
  readonly hosts: HostChoice;
  /** Without a bond the first NIC that is there; with one, all of them. */
  readonly members: readonly NicMatch[];
  readonly bond?: BondSpec;
  /** Bytes. Networks on it have this or less. */
  readonly mtu: number;
}

export type AddressSource = "none" | "dhcp" | "static";

/** An interface of the host itself. */
export interface HostInterfaceSpec {
  /** A NIC, or the name of one of the host's bonds. */
  readonly device:
    | { readonly kind: "nic"; readonly nic: NicMatch }
    | { readonly kind: "bond"; readonly bond: string };
  /** VLAN on the device that carries the addresses; absent: the device itself. */
  readonly vlan?: number;
  /** A bridge of this name gets the device as its port, and the addresses. */
  readonly bridge?: string;
  readonly source: AddressSource;
  /** With prefix length. Static only. */
  readonly addresses: readonly string[];
  /** Static only. */
  readonly gateway?: string;
  readonly dns: readonly string[];
  /** Bytes; absent: as it is. */
  readonly mtu?: number;
}

/** The host's own bonds and interfaces, all that muster is to keep. Written by the API only. */
export interface HostInterfacesSpec {
  /** Name of the host; it need not be enrolled yet. */
  readonly host: string;
  readonly bonds: readonly (BondSpec & { readonly members: readonly NicMatch[] })[];
  readonly interfaces: readonly HostInterfaceSpec[];
}

export type UplinkRecord = Changeable<UplinkSpec>;

export type HostInterfacesRecord = Changeable<HostInterfacesSpec>;
