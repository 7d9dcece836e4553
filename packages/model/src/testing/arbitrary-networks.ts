/** Networks, uplinks and what hosts say of them, for property tests; and one plain network for every other test. */
import * as fc from "fast-check";
import { renderAddress, renderSubnet, subnetAround } from "../addresses.ts";
import type { HostChoice } from "../host-choice.ts";
import {
  networkAttemptStates,
  type HostNetworkAssignment,
  type HostNetworkObservation,
  type ProbeAssignment,
  type ProbeResult,
} from "../host-networking.ts";
import { parseHostId } from "../ids.ts";
import {
  MTU_MAX_BYTES,
  MTU_MIN_BYTES,
  networkDefaults,
  VNI_MAX,
  type MacPool,
  type NetworkObservation,
  type NetworkSpec,
  type Segment,
  type SubnetSpec,
  type TrafficKind,
  type VlanRange,
} from "../network.ts";
import {
  bondModes,
  transmitHashes,
  type BondSpec,
  type HostInterfaceSpec,
  type NicMatch,
  type UplinkSpec,
} from "../uplink.ts";
import { nicModels, type NicSpec } from "../vm.ts";
import {
  anyLine,
  anyMac,
  anyName,
  anyPositiveUint32,
  anyText,
  anyUint32,
  optional,
  plainRecord,
} from "./arbitrary-basics.ts";

type PlainNetwork = Partial<NetworkSpec> & { readonly name: string; readonly vlan?: number };

/** A VLAN network with nothing special but what is said. */
export const aNetwork = ({ vlan = 10, ...rest }: PlainNetwork): NetworkSpec => ({
  ...networkDefaults,
  segment: { kind: "vlan", vlan },
  ...rest,
});

/** A network on a host, ready unless said otherwise. */
export const aNetworkObservation = (
  parts: Partial<NetworkObservation> & { readonly name: string },
): NetworkObservation => ({
  state: "ready",
  message: "",
  vlan: 10,
  driver: "simulated",
  bridge: "sim0",
  wanted: "",
  found: "",
  carries: [],
  ...parts,
});

/** In order and apart, as they come out of the door. */
const anyVlanRanges: fc.Arbitrary<VlanRange[]> = fc
  .uniqueArray(fc.integer({ min: 1, max: 4094 }), { maxLength: 8 })
  .map((ids) => ids.toSorted((left, right) => left - right))
  .map((ids) =>
    Array.from({ length: Math.floor(ids.length / 2) }, (_, index) => ({
      first: ids[2 * index] ?? 1,
      last: ids[2 * index + 1] ?? 1,
    })),
  );

const anySegment: fc.Arbitrary<Segment> = fc.oneof<fc.Arbitrary<Segment>[]>(
  plainRecord({ kind: fc.constant("vlan" as const), vlan: fc.integer({ min: 1, max: 4094 }) }),
  plainRecord({ kind: fc.constant("untagged" as const) }),
  plainRecord({
    kind: fc.constant("trunk" as const),
    vlans: anyVlanRanges.map((ranges) => (ranges.length === 0 ? [{ first: 7, last: 9 }] : ranges)),
  }),
  plainRecord({ kind: fc.constant("vxlan" as const), vni: fc.integer({ min: 1, max: VNI_MAX }) }),
);

export const anyHostChoice: fc.Arbitrary<HostChoice> = fc.oneof<fc.Arbitrary<HostChoice>[]>(
  plainRecord({ kind: fc.constant("all" as const) }),
  plainRecord({
    kind: fc.constant("named" as const),
    names: fc.uniqueArray(anyName, { minLength: 1, maxLength: 5 }),
  }),
  plainRecord({ kind: fc.constant("pool" as const), pool: anyName }),
  fc.constant<HostChoice>({
    kind: "labels",
    terms: [
      { kind: "equals", key: "rack", value: "7" },
      { kind: "lacks", key: "old" },
    ],
  }),
);

/** The third octet keeps the subnets of one network apart. */
const anySubnets: fc.Arbitrary<SubnetSpec[]> = fc
  .array(
    fc
      .tuple(fc.nat({ max: 250 }), fc.boolean(), fc.boolean(), optional("domain", anyDomain()))
      .map(([host, hasGateway, isDhcp, domain]) => ({ host, hasGateway, isDhcp, domain })),
    { maxLength: 3 },
  )
  .map((choices) =>
    choices.map(({ host, hasGateway, isDhcp, domain }, index): SubnetSpec => {
      const base = (10n << 24n) | (BigInt(index) << 8n);
      const subnet = subnetAround({ family: 4, value: base }, 24);
      const text = (offset: number): string =>
        renderAddress({ family: 4, value: base + BigInt(offset) });
      return {
        cidr: renderSubnet(subnet),
        mode: isDhcp ? "dhcp" : "static",
        ...(hasGateway ? { gateway: text(254) } : {}),
        dns: isDhcp ? ["9.9.9.9", "2620:fe::fe"] : [],
        ranges: host % 2 === 0 ? [{ first: text(host), last: text(host + 3) }] : [],
        exclusions: [{ first: text(5), last: text(5) }],
        ...domain,
        nat: host % 3 === 0,
      };
    }),
  );

function anyDomain(): fc.Arbitrary<string> {
  return fc.constantFrom("example.org", "lan", "vm.example.org");
}

const anyMacPool: fc.Arbitrary<MacPool> = fc.constantFrom<MacPool>(
  { kind: "cluster" },
  { kind: "prefix", prefix: "52:54:00" },
  { kind: "from-ipv4", prefix: "02:00" },
  { kind: "random" },
);

const anyMtu = fc.integer({ min: MTU_MIN_BYTES, max: MTU_MAX_BYTES });

export const anyNetworkSpec: fc.Arbitrary<NetworkSpec> = fc
  .tuple(
    plainRecord({
      name: anyName,
      segment: anySegment,
      mtu: anyMtu,
      hosts: anyHostChoice,
      required: fc.boolean(),
      subnets: anySubnets,
      guards: plainRecord({
        mac: fc.boolean(),
        arp: fc.boolean(),
        ipv4: fc.boolean(),
        ipv6: fc.boolean(),
      }),
      macs: anyMacPool,
    }),
    optional("uplink", anyName),
  )
  .map(([spec, uplink]) => ({
    ...spec,
    ...uplink,
    ...(spec.segment.kind === "trunk" ? { subnets: [] } : {}),
  }));

const anyCarries: fc.Arbitrary<TrafficKind[]> = fc.uniqueArray(
  fc.constantFrom<TrafficKind>("agent", "migration"),
);

export const anyNetworkObservation: fc.Arbitrary<NetworkObservation> = plainRecord({
  name: anyName,
  state: fc.constantFrom("ready" as const, "missing" as const, "failed" as const),
  message: anyText,
  vlan: fc.nat({ max: 4095 }),
  driver: fc.constantFrom("openvswitch", "linux-bridge", "simulated"),
  bridge: anyName,
  wanted: anyText,
  found: anyText,
  carries: anyCarries,
});

const anyDevice = fc.stringMatching(/^[a-z][a-z0-9.]{0,10}$/);

const anyNicMatch: fc.Arbitrary<NicMatch> = fc.oneof<fc.Arbitrary<NicMatch>[]>(
  plainRecord({
    by: fc.constant("name" as const),
    name: fc.oneof(
      anyDevice,
      anyDevice.map((name) => `${name}*`),
    ),
  }),
  plainRecord({ by: fc.constant("mac" as const), mac: anyMac }),
  plainRecord({
    by: fc.constant("driver" as const),
    driver: fc.constantFrom("ixgbe*", "mlx5_core"),
  }),
);

const anyMembers = fc.uniqueArray(anyNicMatch, {
  minLength: 2,
  maxLength: 4,
  selector: (match) => JSON.stringify(match),
});

const anyBond: fc.Arbitrary<BondSpec> = plainRecord({
  name: anyDevice,
  mode: fc.constantFrom(...bondModes),
  lacpRate: fc.constantFrom("slow" as const, "fast" as const),
  transmitHash: fc.constantFrom(...transmitHashes),
  miimonMs: fc.integer({ min: 10, max: 10_000 }),
  minLinks: fc.integer({ min: 1, max: 2 }),
}).map((bond) => ({ ...bond, lacpRate: bond.mode === "802.3ad" ? bond.lacpRate : "slow" }));

export const anyUplinkSpec: fc.Arbitrary<UplinkSpec> = fc
  .tuple(
    plainRecord({ label: anyName, hosts: anyHostChoice, members: anyMembers, mtu: anyMtu }),
    optional("bond", anyBond),
  )
  .map(([uplink, bond]) => ({ ...uplink, ...bond }));

const anyInterface: fc.Arbitrary<HostInterfaceSpec> = fc
  .tuple(
    fc.boolean(),
    plainRecord({
      device: plainRecord({ kind: fc.constant("nic" as const), nic: anyNicMatch }),
      dns: fc.constantFrom<string[][]>([], ["9.9.9.9"]),
    }),
    optional("vlan", fc.integer({ min: 1, max: 4094 })),
    optional("bridge", anyDevice),
    optional("mtu", anyMtu),
  )
  .map(([isStatic, spec, vlan, bridge, mtu]) => ({
    ...spec,
    ...vlan,
    ...bridge,
    ...mtu,
    ...(isStatic
      ? { source: "static", addresses: ["10.0.0.3/24"], gateway: "10.0.0.1" }
      : { source: "dhcp", addresses: [] }),
  }));

const anyBondWithMembers = fc
  .tuple(anyBond, anyMembers)
  .map(([bond, members]) => ({ ...bond, members }));

export const anyHostNetworkAssignment: fc.Arbitrary<HostNetworkAssignment> = plainRecord({
  revision: fc.stringMatching(/^[0-9a-f]{16}$/),
  attempt: anyPositiveUint32,
  confirmTimeoutMs: fc.integer({ min: 1, max: 300_000 }),
  overrideProtected: fc.boolean(),
  uplinks: fc.array(
    anyUplinkSpec.map(({ hosts: _hosts, ...uplink }) => uplink),
    { maxLength: 3 },
  ),
  bonds: fc.array(anyBondWithMembers, { maxLength: 2 }),
  interfaces: fc.array(anyInterface, { maxLength: 3 }),
});

const anyHostId = fc.uuid().map(parseHostId);

export const anyProbes: fc.Arbitrary<ProbeAssignment[]> = fc.array(
  plainRecord({
    networks: fc.array(anyName, { maxLength: 3 }),
    peers: fc.array(plainRecord({ hostId: anyHostId, host: anyName }), { maxLength: 3 }),
  }),
  { maxLength: 2 },
);

export const anyProbeResult: fc.Arbitrary<ProbeResult> = plainRecord({
  network: anyName,
  peer: anyHostId,
  sent: anyUint32,
  received: anyUint32,
  mtuBytes: anyUint32,
  roundTripUs: anyUint32,
});

export const anyHostNetworkObservation: fc.Arbitrary<HostNetworkObservation> = plainRecord({
  appliedRevision: fc.oneof(fc.constant(""), anyLine),
  attempts: fc.array(
    plainRecord({
      revision: anyLine,
      attempt: anyPositiveUint32,
      state: fc.constantFrom(...networkAttemptStates),
      reason: anyText,
      before: fc.array(anyText, { maxLength: 3 }),
      after: fc.array(anyText, { maxLength: 3 }),
      startedAt: anyLine,
      endedAt: fc.oneof(fc.constant(""), anyLine),
    }),
    { maxLength: 3 },
  ),
  uplinks: fc.array(
    plainRecord({
      label: anyName,
      device: anyText,
      members: fc.array(anyText, { maxLength: 3 }),
      mtu: anyUint32,
      problem: anyText,
      carries: anyCarries,
    }),
    { maxLength: 2 },
  ),
  interfaces: fc.array(
    plainRecord({
      name: anyText,
      wanted: anyText,
      found: anyText,
      problem: anyText,
      carries: anyCarries,
    }),
    { maxLength: 2 },
  ),
});

/** With distinct places in the boot order. */
export const anyNics: fc.Arbitrary<NicSpec[]> = fc
  .uniqueArray(
    fc
      .tuple(
        plainRecord({ network: anyName, mac: anyMac }),
        optional("addresses", fc.constantFrom([], ["10.0.0.5"], ["10.0.0.6", "2001:db8::6"])),
        optional("trunk", anyVlanRanges),
        optional("model", fc.constantFrom(...nicModels)),
        optional(
          "rates",
          plainRecord({ inboundKbytesPerSecond: anyUint32, outboundKbytesPerSecond: anyUint32 }),
        ),
      )
      .map(([nic, addresses, { trunk = [] }, model, rates]) => ({
        ...nic,
        ...addresses,
        ...(trunk.length === 0 ? {} : { trunk }),
        ...model,
        ...rates,
      })),
    { maxLength: 16, selector: (nic) => nic.mac },
  )
  .map((nics) =>
    nics.map((nic, index) => (index % 3 === 0 ? { ...nic, bootOrder: index + 1 } : nic)),
  )
  .map((nics) =>
    nics.map((nic, index) => (index % 4 === 1 ? { ...nic, unguarded: true, linkDown: true } : nic)),
  );
