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

const MTUS = [1500, 1600, 9000] as const;
const LABELS = ["lan", "a-label-that-is-too-long-for-a-bridge"] as const;

export interface HostAbilities {
  /** The kernel has bonds. */
  readonly bonds: boolean;
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

/** The owner of each spare NIC: an uplink, or nobody. */
const anyOwners = fc.tuple(
  ...SPARE_NICS.map(() => fc.option(fc.constantFrom(...LABELS), { nil: undefined, freq: 3 })),
);

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

export const anyHostConfiguration = (abilities: HostAbilities): fc.Arbitrary<HostConfiguration> =>
  anyOwners
    .chain((owners) => {
      const owned = LABELS.map((label) => ({
        label,
        nics: SPARE_NICS.filter((_, index) => owners[index] === label),
      })).filter(({ nics }) => nics.length > 0);
      return fc.tuple(...owned.map(({ label, nics }) => anyUplink(label, nics, abilities)));
    })
    .chain((uplinks) =>
      fc
        .tuple(
          ...["blue", "green", "red.lan"].map((name) =>
            fc.option(anyNetwork(name, uplinks, abilities), { nil: undefined, freq: 3 }),
          ),
        )
        .map((networks) => ({
          networks: networks.filter((network) => network !== undefined),
          layout: { ...noLayout, uplinks },
        })),
    );
