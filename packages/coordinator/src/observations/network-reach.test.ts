/** What changes for whom when hosts tell what they hear. */
import type { HostId, ProbeResult } from "@muster/model";
import { describe, expect, it } from "vitest";
import { hostIdOf } from "../testing/builders.ts";
import { NetworkReach } from "./network-reach.ts";

const result = (
  peer: number,
  received: number,
  change: Partial<ProbeResult> = {},
): ProbeResult => ({
  network: "blue",
  peer: hostIdOf(peer),
  sent: 10,
  received,
  mtuBytes: received === 0 ? 0 : 1500,
  roundTripUs: 100,
  ...change,
});

/** Three hosts that have the network, and what each said last. */
function setting() {
  const away = new Set<HostId>();
  const reach = new NetworkReach((network) => (network === "blue" ? 1500 : undefined), {
    hostWith: (hostId) => (away.has(hostId) ? undefined : { name: hostId.slice(-1) }),
  });
  const numbersOf = (ids: ReadonlySet<HostId>): readonly number[] =>
    [...ids].map((id) => Number(id.slice(-1))).toSorted();
  const say = (from: number, ...row: readonly ProbeResult[]) =>
    numbersOf(reach.reported(hostIdOf(from), row));
  say(1, result(2, 10), result(3, 10));
  say(2, result(3, 10));
  say(3);
  return { reach, away, say, numbersOf, unheard: () => [...reach.unheardOn("blue").keys()] };
}

describe("NetworkReach", () => {
  it("has nothing to say where all hear each other", () => {
    expect(setting().unheard()).toEqual([]);
    expect(setting().reach.unheardOn("unknown").size).toBe(0);
  });

  it("tells for which hosts something else holds: the one that is not heard, and again when it is", () => {
    const { say, unheard } = setting();
    expect(say(1, result(2, 10), result(3, 0))).toEqual([]);
    expect(say(2, result(3, 0))).toEqual([3]);
    expect(unheard()).toEqual([hostIdOf(3)]);
    expect(say(2, result(3, 10))).toEqual([3]);
    expect(unheard()).toEqual([]);
  });

  it("is not moved by numbers that mean the same", () => {
    const { say } = setting();
    expect(say(1, result(2, 9), result(3, 8, { roundTripUs: 9_000 }))).toEqual([]);
  });

  it("counts a host that went no longer, and judges those it leaves", () => {
    const { reach, say, away, numbersOf, unheard } = setting();
    say(1, result(2, 10), result(3, 0));
    say(2, result(3, 0));
    away.add(hostIdOf(3));
    expect(numbersOf(reach.changed(hostIdOf(1)))).toEqual([3]);
    expect(unheard()).toEqual([]);
    expect(reach.row(hostIdOf(1))).toHaveLength(2);
    reach.forget(hostIdOf(1));
    expect(reach.row(hostIdOf(1))).toEqual([]);
  });
});
