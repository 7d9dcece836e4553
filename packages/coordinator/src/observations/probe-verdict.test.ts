import type { HostId, ProbeResult } from "@muster/model";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hostIdOf } from "../testing/builders.ts";
import { pairProblem, unheardHosts, type ProbedHost } from "./probe-verdict.ts";

const blue = { name: "blue", mtu: 1500 };

const heard = (peer: number, change: Partial<ProbeResult> = {}): ProbeResult => ({
  network: "blue",
  peer: hostIdOf(peer),
  sent: 10,
  received: 10,
  mtuBytes: 1500,
  roundTripUs: 100,
  ...change,
});
const lost = (peer: number): ProbeResult => heard(peer, { received: 0, mtuBytes: 0 });

const host = (number: number, ...results: readonly ProbeResult[]): ProbedHost => ({
  hostId: hostIdOf(number),
  name: `h${String(number)}`,
  results,
});

const unheard = (...hosts: readonly ProbedHost[]) =>
  Object.fromEntries(
    hosts.flatMap(({ hostId, name }) => {
      const why = unheardHosts(hosts, blue).get(hostId);
      return why === undefined ? [] : [[name, why]];
    }),
  );

describe("a pair of hosts", () => {
  it.each([
    [heard(2), undefined],
    [heard(2, { received: 5 }), undefined],
    [heard(2, { sent: 0, received: 0, mtuBytes: 0 }), undefined],
    [heard(2, { received: 4 }), "4 of 10 frames came back"],
    [
      heard(2, { mtuBytes: 1472 }),
      "frames of 1500 bytes are lost, the largest that came back has 1472",
    ],
  ])("%# is judged by loss and size", (result, problem) => {
    expect(pairProblem(result, 1500)).toBe(problem);
  });
});

describe("a network", () => {
  it("where all hear each other is usable everywhere", () => {
    expect(unheard(host(1, heard(2)), host(2, heard(3)), host(3, heard(1)))).toStrictEqual({});
  });

  it("is not usable where a host is cut off from the rest", () => {
    const cut = unheard(host(1, heard(2), lost(3)), host(2, lost(3)), host(3, lost(1), lost(2)));
    expect(cut).toStrictEqual({ h3: "probes with h1: 0 of 10 frames came back, and 3 more hosts" });
  });

  it("of two halves is usable in neither, for nobody can say which is the network", () => {
    expect(Object.keys(unheard(host(1, lost(2)), host(2, lost(1))))).toStrictEqual(["h1", "h2"]);
  });

  it("that was not probed, or by a host that is gone, is not judged", () => {
    expect(unheard(host(1), host(2))).toStrictEqual({});
    expect(unheard(host(1, lost(9)))).toStrictEqual({});
    expect(unheard(host(1, { ...lost(2), network: "green" }), host(2))).toStrictEqual({});
  });

  it("is judged alike whoever of a pair has probed, and never on all sides of a majority", () => {
    const size = 6;
    const anyPairs = fc.array(
      fc.tuple(fc.nat({ max: size - 1 }), fc.nat({ max: size - 1 }), fc.boolean()),
    );
    fc.assert(
      fc.property(anyPairs, (pairs) => {
        const build = (flip: boolean): readonly ProbedHost[] =>
          Array.from({ length: size }, (_, number) =>
            host(
              number,
              ...pairs.flatMap(([left, right, isGood]) => {
                const [from, to] = flip ? [right, left] : [left, right];
                if (from !== number || to === from) return [];
                return [isGood ? heard(to) : lost(to)];
              }),
            ),
          );
        const keys = (hosts: readonly ProbedHost[]): readonly HostId[] =>
          [...unheardHosts(hosts, blue).keys()].toSorted();
        expect(keys(build(true))).toStrictEqual(keys(build(false)));
      }),
    );
  });
});
