/** Networks as the CLI shows them. Field names are those of `-o json`: a contract with scripts. */
import type { Network, NetworkOnHost } from "@muster/proto/admin";
import type { NetworkObservation } from "@muster/proto/types";
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
  readonly vlan: number;
  /** Bytes; 0: the default. */
  readonly mtu: number;
  /** Empty: every host. */
  readonly onlyHosts: readonly string[];
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

export function decodeNetwork(wire: Network): NetworkView {
  return {
    name: wire.spec?.name ?? "",
    vlan: wire.spec?.vlan ?? 0,
    mtu: wire.spec?.mtu ?? 0,
    onlyHosts: wire.spec?.hosts ?? [],
    hosts: wire.hosts.map(decodeNetworkOnHost),
    vmCount: wire.vmCount,
    createdAt: wire.createdAt,
  };
}
