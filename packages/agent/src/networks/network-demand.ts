/** What a network asks of a host, whatever bridge it rides on. Pure. */
import {
  MTU_MAX_BYTES,
  MTU_MIN_BYTES,
  assertNever,
  isMusterError,
  parseName,
  parseVlan,
  renderVlans,
  type NetworkSpec,
  type Segment,
  type VlanRange,
} from "@muster/model";

/** The part of a network that a bridge knows; also what a mark on a bridge says. */
export interface NetworkDemand {
  readonly name: string;
  /** 0: frames travel as they are, tagged by the guest where there is a trunk. */
  readonly vlan: number;
  readonly mtu: number;
  /** Ids that guests may tag with. Absent: none. */
  readonly trunk?: readonly VlanRange[];
  /** Of a VXLAN. Absent: none. */
  readonly vni?: number;
}

type Frames = Pick<NetworkDemand, "vlan" | "trunk" | "vni">;

function framesOf(segment: Segment): Frames {
  switch (segment.kind) {
    case "vlan":
      return { vlan: segment.vlan };
    case "untagged":
      return { vlan: 0 };
    case "trunk":
      return { vlan: 0, trunk: segment.vlans };
    case "vxlan":
      return { vlan: 0, vni: segment.vni };
    default:
      return assertNever(segment);
  }
}

export const demandOf = ({ name, mtu, segment }: NetworkSpec): NetworkDemand => ({
  name,
  mtu,
  ...framesOf(segment),
});

/** "VLAN 10", "untagged frames", "VLANs 10,20-29". */
export function describeFrames({ vlan, trunk, vni }: Frames): string {
  if (vni !== undefined) return `VXLAN ${String(vni)}`;
  if (trunk !== undefined) return `VLANs ${renderVlans(trunk)}`;
  return vlan === 0 ? "untagged frames" : `VLAN ${String(vlan)}`;
}

/** Ids of frames that carry a tag on the uplink. */
export function tagsOf({ vlan, trunk }: Frames): readonly VlanRange[] {
  if (trunk !== undefined) return trunk;
  return vlan === 0 ? [] : [{ first: vlan, last: vlan }];
}

/** True: frames without a tag belong to the network. */
export const isUntagged = ({ vlan, trunk, vni }: Frames): boolean =>
  vlan === 0 && trunk === undefined && vni === undefined;

/** Every id of the ranges, ascending, each once. At most 4,094. */
export function idsOf(ranges: readonly VlanRange[]): readonly number[] {
  const ids = ranges.flatMap(({ first, last }) =>
    Array.from({ length: Math.max(0, last - first + 1) }, (_, offset) => first + offset),
  );
  return [...new Set(ids)].toSorted((left, right) => left - right);
}

/** The other way round: as few ranges as possible. */
export function rangesOf(ids: readonly number[]): readonly VlanRange[] {
  const ranges: { first: number; last: number }[] = [];
  for (const id of ids) {
    const open = ranges.at(-1);
    if (open?.last === id - 1) open.last = id;
    else ranges.push({ first: id, last: id });
  }
  return ranges;
}

/** Why a NIC cannot be on the network as it wants. */
export function nicTrunkProblem(
  network: NetworkDemand,
  asked: readonly VlanRange[] | undefined,
): string | undefined {
  if (network.trunk === undefined || nicTrunk(network, asked).length > 0) return undefined;
  return `none of VLANs ${renderVlans(asked ?? [])} is one of its ${describeFrames(network)}`;
}

/** What a NIC of a trunk network may tag with: what it asks for, as far as the network has it. */
export function nicTrunk(
  { trunk = [] }: Pick<NetworkDemand, "trunk">,
  asked: readonly VlanRange[] | undefined,
): readonly VlanRange[] {
  if (asked === undefined) return trunk;
  const allowed = new Set(idsOf(trunk));
  return rangesOf(idsOf(asked).filter((id) => allowed.has(id)));
}

/** One demand per name, sorted by name; of two with one name the later counts. */
export function demandsByName(
  networks: readonly NetworkDemand[],
): ReadonlyMap<string, NetworkDemand> {
  const sorted = networks.toSorted((left, right) => (left.name < right.name ? -1 : 1));
  return new Map(sorted.map((network) => [network.name, network]));
}

/** Why no host at all could have this network. */
export function demandProblem({ name, vlan, mtu, trunk, vni }: NetworkDemand): string | undefined {
  if (vni !== undefined) return `this host's bridges do not carry VXLANs (${String(vni)})`;
  if (trunk?.length === 0) return "trunk: no VLAN id is allowed";
  try {
    parseName(name, "name");
    if (vlan !== 0) parseVlan(vlan, "vlan");
    for (const { first, last } of trunk ?? []) {
      parseVlan(first, "trunk");
      parseVlan(last, "trunk");
    }
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
  left.mtu === right.mtu && describeFrames(left) === describeFrames(right);
