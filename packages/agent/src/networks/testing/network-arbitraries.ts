/** Networks as fast-check draws them: few names and ids, so that they collide. */
import fc from "fast-check";
import type { NetworkDemand } from "../network-demand.ts";

export const UPLINK_MTUS = [1500, 1600, 9000] as const;

const anyFrames = fc.oneof(
  { weight: 4, arbitrary: fc.record({ vlan: fc.constantFrom(10, 20, 30, 4094) }) },
  { weight: 1, arbitrary: fc.constant({ vlan: 0 }) },
  {
    weight: 1,
    arbitrary: fc.record({
      vlan: fc.constant(0),
      trunk: fc.constantFrom(
        [{ first: 10, last: 12 }],
        [
          { first: 20, last: 20 },
          { first: 30, last: 31 },
        ],
      ),
    }),
  },
);

export const anyDemand = (name: string): fc.Arbitrary<NetworkDemand> =>
  fc
    .record({ frames: anyFrames, mtu: fc.constantFrom(1280, 1500, 1600, 9000) })
    .map(({ frames, mtu }) => ({ name, mtu, ...frames }));

const NAMES = ["blue", "green", "red.lan"] as const;

/** Any of three networks, each at most once. */
export const anyDemands: fc.Arbitrary<ReadonlyMap<string, NetworkDemand>> = fc
  .tuple(...NAMES.map((name) => fc.option(anyDemand(name), { nil: undefined, freq: 2 })))
  .map((all) => all.filter((each) => each !== undefined))
  .map((all) => new Map(all.map((network) => [network.name, network])));
