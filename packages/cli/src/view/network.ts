/** Networks as the CLI shows them. Field names are those of `-o json`: a contract with scripts. */
import { renderSegment, type Segment } from "@muster/model";
import type { Network, NetworkOnHost } from "@muster/proto/admin";
import { NetworkKind, type NetworkObservation, type NetworkSpec } from "@muster/proto/types";
import { required } from "./required.ts";
import { networkStateWord, type NetworkStateWord } from "./words.ts";

export interface NetworkObservationView {
  readonly name: string;
  readonly state: NetworkStateWord;
  readonly message: string;
  readonly vlan: number;
  readonly driver: string;
  readonly bridge: string;
}

export interface NetworkOnHostView {
  readonly host: string;
  readonly online: boolean;
  /** Absent: the host has not said. */
  readonly observed?: NetworkObservationView;
}

export interface NetworkView {
  readonly name: string;
  readonly kind: Segment["kind"] | "unrecognized";
  /** For people: "VLAN 10", "trunk of VLANs 10,20-29". */
  readonly segment: string;
  /** Of kind vlan only. */
  readonly vlan?: number;
  /** Of kind trunk only. */
  readonly trunk?: readonly { readonly first: number; readonly last: number }[];
  /** Of kind vxlan only. */
  readonly vni?: number;
  /** Bytes; 0: the default. */
  readonly mtu: number;
  /** Empty: every host, unless there is a pool or a label query. */
  readonly onlyHosts: readonly string[];
  readonly hostPool: string;
  readonly hostLabels: string;
  readonly hosts: readonly NetworkOnHostView[];
  readonly vmCount: number;
  readonly createdAt: string;
}

export function decodeNetworkObservation(wire: NetworkObservation): NetworkObservationView {
  const { name, message, vlan, driver, bridge } = wire;
  return { name, state: networkStateWord(wire.state), message, vlan, driver, bridge };
}

function decodeNetworkOnHost(wire: NetworkOnHost): NetworkOnHostView {
  const { host, online } = wire;
  if (wire.observed === undefined) return { host, online };
  return { host, online, observed: decodeNetworkObservation(wire.observed) };
}

/** Undefined: of a kind that this version does not know. */
function segmentOf({ kind, vlan, trunk, vni }: NetworkSpec): Segment | undefined {
  switch (kind) {
    case NetworkKind.UNSPECIFIED:
    case NetworkKind.VLAN:
      return { kind: "vlan", vlan };
    case NetworkKind.UNTAGGED:
      return { kind: "untagged" };
    case NetworkKind.TRUNK:
      return { kind: "trunk", vlans: trunk };
    case NetworkKind.VXLAN:
      return { kind: "vxlan", vni };
    default:
      return undefined;
  }
}

export function segmentWords(spec: NetworkSpec): string {
  const segment = segmentOf(spec);
  return segment === undefined ? "unrecognized" : renderSegment(segment);
}

function segmentFields(
  spec: NetworkSpec,
): Pick<NetworkView, "kind" | "segment" | "vlan" | "trunk" | "vni"> {
  const segment = segmentOf(spec);
  const words = segmentWords(spec);
  if (segment === undefined) return { kind: "unrecognized", segment: words };
  const { kind } = segment;
  if (kind === "vlan") return { kind, segment: words, vlan: segment.vlan };
  if (kind === "trunk") return { kind, segment: words, trunk: segment.vlans };
  if (kind === "vxlan") return { kind, segment: words, vni: segment.vni };
  return { kind, segment: words };
}

export function decodeNetwork(wire: Network): NetworkView {
  const spec = required(wire.spec, "spec");
  return {
    name: spec.name,
    ...segmentFields(spec),
    mtu: spec.mtu,
    onlyHosts: spec.hosts,
    hostPool: spec.hostPool,
    hostLabels: spec.hostLabels,
    hosts: wire.hosts.map(decodeNetworkOnHost),
    vmCount: wire.vmCount,
    createdAt: wire.createdAt,
  };
}
