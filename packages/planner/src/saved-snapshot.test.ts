import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseSnapshot, renderSnapshot } from "./saved-snapshot.ts";
import { snapshotHash } from "./snapshot-hash.ts";
import { GiB, aClaim, aHost, aSnapshot, aVm } from "./testing/builders.ts";
import { someClusters } from "./testing/clusters.ts";

describe("saved snapshots", () => {
  it("come back as they were", () => {
    fc.assert(
      fc.property(someClusters(false), (snapshot) => {
        expect(renderSnapshot(parseSnapshot(renderSnapshot(snapshot)))).toBe(
          renderSnapshot(snapshot),
        );
        expect(parseSnapshot(renderSnapshot(snapshot)).vms).toHaveLength(snapshot.vms.length);
      }),
    );
    const whole = aSnapshot({
      hosts: [
        aHost("h1", { linkBytesPerSecond: 125_000_000, foreign: { cpus: 1, memoryBytes: GiB } }),
      ],
      vms: [aVm("v1", { measured: { cpus: 0.5, memoryBytes: GiB, dirtyBytesPerSecond: 7 } })],
      claims: [aClaim("v1", "h1")],
    });
    expect(parseSnapshot(renderSnapshot(whole))).toEqual(whole);
  });

  it("are the same text in whatever order they were listed", () => {
    const hosts = [aHost("h1"), aHost("h2")];
    const one = aSnapshot({ hosts });
    const other = aSnapshot({ hosts: hosts.toReversed() });
    expect(renderSnapshot(other)).toBe(renderSnapshot(one));
    expect(snapshotHash(other)).toBe(snapshotHash(one));
    expect(snapshotHash(aSnapshot({ hosts, version: 2 }))).not.toBe(snapshotHash(one));
  });

  it.each([
    ["nonsense", "the snapshot is not JSON"],
    ["[]", "the snapshot is not an object"],
    ['{"format":2}', "the snapshot has format 2; this program reads 1"],
    ['{"format":1}', "the snapshot has no contents"],
    ['{"format":1,"snapshot":{"version":1,"hosts":{}}}', "snapshot.hosts must be a list"],
    [
      '{"format":1,"snapshot":{"version":1,"hosts":[{"id":"h"}]}}',
      "snapshot.hosts[0].name must be a string",
    ],
    [
      '{"format":1,"snapshot":{"version":1,"hosts":[{"id":"h","name":"h","state":"online","capacity":{"cpus":1,"memoryBytes":5}}]}}',
      "memoryBytes must be a decimal string, not 5",
    ],
  ])("%s is refused by name", (text, why) => {
    expect(() => parseSnapshot(text)).toThrow(why);
  });
});
