/**
 * Whole configurations of a host as fast-check draws them: which NICs are whose, what is made of them, and the networks on
 * top. Each of them can be made; what is refused has tests of its own.
 */
import {
  bondModes,
  networkDefaults,
  transmitHashes,
  type BondSpec,
  type NetworkSpec,
  type NicMatch,
  type Segment,
  type UplinkAssignment,
} from "@muster/model";
import fc from "fast-check";
import { noLayout, type HostLayout } from "../host-layout.ts";

export interface HostConfiguration {
  readonly networks: readonly NetworkSpec[];
  readonly layout: HostLayout;
}

export const nothingWanted: HostConfiguration = { networks: [], layout: noLayout };

/** NICs of the host under test that nobody else uses. */
export const SPARE_NICS = ["n1", "n2", "n3", "n4"] as const;

/** A NIC that has an address of its own, for VXLANs. */
export const UNDERLAY_NIC = "un1";
export const UNDERLAY_ADDRESS = "10.8.0.1/24";
const UNDERLAY: UplinkAssignment = {
  label: "underlay",
  mtu: 1500,
  members: [{ by: "name", name: UNDERLAY_NIC }],
};

const MTUS = [1500, 1600, 9000] as const;
const LABELS = ["lan", "a-label-that-is-too-long-for-a-bridge"] as const;

export interface HostAbilities {
  /** The kernel has bonds. */
  readonly bonds: boolean;
  /** The kernel has VLAN devices. */
  readonly vlans: boolean;
  /** The bridges tell VLANs apart, so that a network may be a trunk. */
  readonly trunks: boolean;
  /** Bytes. */
  readonly configuredUplinkMtu: number;
}

const byName = (name: string): NicMatch => ({ by: "name", name });

const anyBond = (name: string): fc.Arbitrary<BondSpec> =>
  fc
    .record({
      mode: fc.constantFrom(...bondModes.filter((mode) => !mode.startsWith("balance-a"))),
      isFast: fc.boolean(),
      transmitHash: fc.constantFrom(...transmitHashes),
      miimonMs: fc.constantFrom(100, 200),
      minLinks: fc.constantFrom(1, 2),
    })
    .map(({ mode, isFast, ...rest }) => ({
      name,
      mode,
      lacpRate: isFast && mode === "802.3ad" ? "fast" : "slow",
      ...rest,
    }));

/** NICs that carry addresses of the host itself. */
const OWN = "own";

/** The owner of each spare NIC: an uplink, the host itself, or nobody. */
const anyOwners = fc.tuple(
  ...SPARE_NICS.map(() => fc.option(fc.constantFrom(...LABELS, OWN), { nil: undefined, freq: 3 })),
);

const ADDRESSES = ["10.7.0.5/24", "2001:db8:7::5/64"] as const;

/** One interface, on the first of the NICs or on a bond of all. */
function anyInterfaces(
  nics: readonly string[],
  { bonds, trunks: _trunks, ...abilities }: HostAbilities,
): fc.Arbitrary<Pick<HostLayout, "bonds" | "interfaces">> {
  const [first] = nics;
  if (first === undefined) return fc.constant({ bonds: [], interfaces: [] });
  return fc
    .record({
      bond: fc.option(anyBond("hb0"), { nil: undefined }),
      vlan: fc.constantFrom(undefined, 40),
      bridge: fc.constantFrom(undefined, "hbr0"),
      addresses: fc.subarray([...ADDRESSES]),
      hasGateway: fc.boolean(),
      mtu: fc.constantFrom(undefined, 1400, 1500),
    })
    .map(({ bond, vlan, bridge, addresses, hasGateway, mtu }) => ({
      bonds:
        bond === undefined || !bonds
          ? []
          : [
              {
                ...bond,
                minLinks: Math.min(bond.minLinks, nics.length),
                members: nics.map(byName),
              },
            ],
      interfaces: [
        {
          device:
            bond === undefined || !bonds
              ? { kind: "nic", nic: byName(first) }
              : { kind: "bond", bond: bond.name },
          ...(vlan === undefined || !abilities.vlans ? {} : { vlan }),
          ...(bridge === undefined ? {} : { bridge }),
          source: addresses.length === 0 ? "none" : "static",
          addresses,
          ...(hasGateway && addresses.includes(ADDRESSES[0]) ? { gateway: "10.7.0.1" } : {}),
          dns: [],
          ...(mtu === undefined ? {} : { mtu }),
        },
      ],
    }));
}

function anyUplink(
  label: string,
  nics: readonly string[],
  { bonds }: HostAbilities,
): fc.Arbitrary<UplinkAssignment> {
  const index = LABELS.findIndex((each) => each === label);
  return fc
    .record({
      mtu: fc.constantFrom(...MTUS),
      bond: fc.option(anyBond(`bond${String(index)}`), { nil: undefined, freq: 3 }),
      backwards: fc.boolean(),
    })
    .map(({ mtu, bond, backwards }) => ({
      label,
      mtu,
      members: (backwards ? nics.toReversed() : nics).map(byName),
      ...(bond === undefined || !bonds
        ? {}
        : { bond: { ...bond, minLinks: Math.min(bond.minLinks, nics.length) } }),
    }));
}

const anySegment = ({ trunks }: HostAbilities): fc.Arbitrary<Segment> =>
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.constantFrom(10, 20, 30).map((vlan) => ({ kind: "vlan", vlan }) as const),
    },
    { weight: 1, arbitrary: fc.constant({ kind: "untagged" } as const) },
    {
      weight: trunks ? 1 : 0,
      arbitrary: fc
        .constantFrom([{ first: 10, last: 12 }], [{ first: 30, last: 30 }])
        .map((vlans) => ({ kind: "trunk", vlans }) as const),
    },
  );

const anyNetwork = (
  name: string,
  uplinks: readonly UplinkAssignment[],
  abilities: HostAbilities,
): fc.Arbitrary<NetworkSpec> =>
  fc
    .record({
      segment: anySegment(abilities),
      uplink: fc.constantFrom(undefined, ...uplinks),
      mtu: fc.constantFrom(1280, ...MTUS),
    })
    .map(({ segment, uplink, mtu }) => ({
      ...networkDefaults,
      name,
      segment,
      mtu: Math.min(mtu, uplink?.mtu ?? abilities.configuredUplinkMtu),
      ...(uplink === undefined ? {} : { uplink: uplink.label }),
    }));

const anyVxlan: fc.Arbitrary<NetworkSpec | undefined> = fc.option(
  fc.constantFrom(7, 16_777_215).map((vni) => ({
    ...networkDefaults,
    name: "overlay",
    segment: { kind: "vxlan", vni } as const,
    mtu: 1400,
    uplink: UNDERLAY.label,
  })),
  { nil: undefined, freq: 2 },
);

export const anyHostConfiguration = (abilities: HostAbilities): fc.Arbitrary<HostConfiguration> =>
  anyOwners
    .chain((owners) => {
      const owned = LABELS.map((label) => ({
        label,
        nics: SPARE_NICS.filter((_, index) => owners[index] === label),
      })).filter(({ nics }) => nics.length > 0);
      const own = SPARE_NICS.filter((_, index) => owners[index] === OWN);
      return fc.tuple(
        fc.tuple(...owned.map(({ label, nics }) => anyUplink(label, nics, abilities))),
        anyInterfaces(own, abilities),
      );
    })
    .chain(([uplinks, own]) =>
      fc
        .tuple(
          anyVxlan,
          ...["blue", "green", "red.lan"].map((name) =>
            fc.option(anyNetwork(name, uplinks, abilities), { nil: undefined, freq: 3 }),
          ),
        )
        .map((networks) => ({
          networks: networks.filter((network) => network !== undefined),
          layout: { uplinks: [...uplinks, UNDERLAY], ...own },
        })),
    );
