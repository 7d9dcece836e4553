/** Networks as fast-check draws them: few names and ids, so that they collide. */
import fc from "fast-check";
import type { NetworkDemand } from "../network-demand.ts";

export const UPLINK_MTUS = [1500, 1600, 9000] as const;

export const anyDemand = (name: string): fc.Arbitrary<NetworkDemand> =>
  fc.record({
    name: fc.constant(name),
    vlan: fc.constantFrom(10, 20, 30),
    mtu: fc.constantFrom(1280, 1500, 1600, 9000),
  });

const NAMES = ["blue", "green", "red.lan"] as const;

/** Any of three networks, each at most once. */
export const anyDemands: fc.Arbitrary<ReadonlyMap<string, NetworkDemand>> = fc
  .tuple(...NAMES.map((name) => fc.option(anyDemand(name), { nil: undefined, freq: 2 })))
  .map((all) => all.filter((each) => each !== undefined))
  .map((all) => new Map(all.map((network) => [network.name, network])));
