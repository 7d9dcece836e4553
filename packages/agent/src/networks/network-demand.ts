/** What a network asks of a host, whatever bridge it rides on. Pure. */
import {
  MTU_MAX_BYTES,
  MTU_MIN_BYTES,
  isMusterError,
  parseName,
  parseVlan,
  vlanOf,
  type NetworkSpec,
} from "@muster/model";

/** The part of a network that a bridge knows; also what a mark on a bridge says. */
export interface NetworkDemand {
  readonly name: string;
  /** 0: not a network of one VLAN. */
  readonly vlan: number;
  readonly mtu: number;
}

export const demandOf = (network: NetworkSpec): NetworkDemand => ({
  name: network.name,
  vlan: vlanOf(network),
  mtu: network.mtu,
});

/** One demand per name, sorted by name; of two with one name the later counts. */
export function demandsByName(
  networks: readonly NetworkDemand[],
): ReadonlyMap<string, NetworkDemand> {
  const sorted = networks.toSorted((left, right) => (left.name < right.name ? -1 : 1));
  return new Map(sorted.map(({ name, vlan, mtu }) => [name, { name, vlan, mtu }]));
}

/** Why no host at all could have this network. */
export function demandProblem({ name, vlan, mtu }: NetworkDemand): string | undefined {
  if (vlan === 0) return "this driver makes networks of kind vlan only";
  try {
    parseName(name, "name");
    parseVlan(vlan, "vlan");
  } catch (error) {
    if (isMusterError(error)) return error.message;
    throw error;
  }
  if (Number.isInteger(mtu) && mtu >= MTU_MIN_BYTES && mtu <= MTU_MAX_BYTES) return undefined;
  return `mtu: ${String(mtu)} is not between ${String(MTU_MIN_BYTES)} and ${String(MTU_MAX_BYTES)} bytes`;
}

/** Why an uplink's frames are too small for the network. */
export function mtuProblem(
  { mtu }: NetworkDemand,
  uplink: { readonly name: string; readonly mtu: number },
): string | undefined {
  if (mtu <= uplink.mtu) return undefined;
  return `MTU ${String(mtu)} is above the ${String(uplink.mtu)} of uplink ${uplink.name}`;
}

export const sameDemand = (left: NetworkDemand, right: NetworkDemand): boolean =>
  left.vlan === right.vlan && left.mtu === right.mtu;
