import type * as pb from "@muster/proto/types";
import { parseName, parseVlan } from "../names.ts";
import {
  MTU_DEFAULT_BYTES,
  MTU_MAX_BYTES,
  MTU_MIN_BYTES,
  type NetworkObservation,
  type NetworkSpec,
} from "../network.ts";
import { decodeNetworkState, encodeNetworkState } from "./enums.ts";
import { fieldAt, readCount, readList, readText, refuseDuplicates, shortened } from "./fields.ts";

/** A cluster is sized for 2,500 hosts. */
const HOSTS_MAX = 10_000;
const MESSAGE_MAX = 4096;

/** Throws MusterError "invalid". MTU 0 means the default. */
export function decodeNetworkSpec(wire: pb.NetworkSpec, field: string): NetworkSpec {
  const at = (part: string): string => fieldAt(field, part);
  const mtu = wire.mtu === 0 ? MTU_DEFAULT_BYTES : wire.mtu;
  const hosts = readList(wire.hosts, { field: at("hosts"), max: HOSTS_MAX }, parseName);
  refuseDuplicates(hosts, at("hosts"));
  return {
    name: parseName(wire.name, at("name")),
    vlan: parseVlan(wire.vlan, at("vlan")),
    mtu: readCount(mtu, at("mtu"), { min: MTU_MIN_BYTES, max: MTU_MAX_BYTES }),
    hosts,
  };
}

export function encodeNetworkSpec(spec: NetworkSpec): pb.NetworkSpec {
  return { name: spec.name, vlan: spec.vlan, mtu: spec.mtu, hosts: [...spec.hosts] };
}

/** `vlan` may be 0: a host that failed may not know it. */
export function decodeNetworkObservation(
  wire: pb.NetworkObservation,
  field: string,
): NetworkObservation {
  const at = (part: string): string => fieldAt(field, part);
  return {
    name: parseName(wire.name, at("name")),
    state: decodeNetworkState(wire.state, at("state")),
    message: readText(wire.message, at("message"), { max: MESSAGE_MAX }),
    vlan: readCount(wire.vlan, at("vlan"), { max: 4095 }),
    driver: readText(wire.driver, at("driver"), { max: 64 }),
    bridge: readText(wire.bridge, at("bridge"), { max: 64 }),
  };
}

export function encodeNetworkObservation(network: NetworkObservation): pb.NetworkObservation {
  return {
    name: network.name,
    state: encodeNetworkState(network.state),
    message: shortened(network.message, MESSAGE_MAX),
    vlan: network.vlan,
    driver: network.driver,
    bridge: network.bridge,
  };
}
