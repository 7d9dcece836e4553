/**
 * Records as an earlier version wrote them, brought to the present form when they are read. What is written is always
 * the present form.
 */
import { networkDefaults, type NetworkRecord, type NetworkSpec } from "./network.ts";

/** Until 0.1 a network was a VLAN on named hosts and nothing else. */
interface SimpleNetwork {
  readonly name: string;
  readonly vlan: number;
  readonly mtu: number;
  /** Empty: every host. */
  readonly hosts: readonly string[];
}

const isSimple = (spec: NetworkSpec | SimpleNetwork): spec is SimpleNetwork => "vlan" in spec;

export function upgradeNetworkSpec(spec: NetworkSpec | SimpleNetwork): NetworkSpec {
  if (!isSimple(spec)) return spec;
  const { name, vlan, mtu, hosts } = spec;
  return {
    ...networkDefaults,
    name,
    segment: { kind: "vlan", vlan },
    mtu,
    hosts: hosts.length === 0 ? { kind: "all" } : { kind: "named", names: hosts },
  };
}

export const upgradeNetworkRecord = (
  record: Omit<NetworkRecord, "spec"> & { readonly spec: NetworkSpec | SimpleNetwork },
): NetworkRecord => ({ ...record, spec: upgradeNetworkSpec(record.spec) });
