import { tmpdir } from "node:os";
import { parseClusterId } from "@muster/model";
import { seededRandom, SimulatedClock } from "@muster/runtime";
import { describe, expect, it } from "vitest";
import { Authority, newAuthority, type AuthorityOptions } from "../authority/authority.ts";
import { sealOf } from "./fence-seal.ts";

const clusterId = parseClusterId("11111111-1111-4111-8111-111111111111");
const options = (seed: number): AuthorityOptions => ({
  ...{ clusterId, dataDirectory: tmpdir() },
  ...{ clock: new SimulatedClock(), random: seededRandom(seed) },
});

describe("secrets of fence devices", () => {
  it("are opened by another coordinator of the cluster, and by no other cluster's", async () => {
    const own = await newAuthority(options(1));
    // Each coordinator reads the same key for itself; a file may end otherwise.
    const first = Authority.of(own, options(2));
    const second = Authority.of({ ...own, privateKey: `${own.privateKey.trim()}\n\n` }, options(3));
    const sealed = sealOf(() => first, seededRandom(4)).seal("hunter2");
    expect(sealed).not.toContain("hunter2");
    expect(sealOf(() => second, seededRandom(5)).open(sealed)).toBe("hunter2");
    const foreign = Authority.of(await newAuthority(options(6)), options(6));
    expect(() => sealOf(() => foreign, seededRandom(7)).open(sealed)).toThrow(
      expect.objectContaining({
        code: "wrong-state",
        hint: "set the device again: muster host fence set",
      }) as Error,
    );
  });

  it("are sealed with a key that is good for nothing else", async () => {
    const authority = Authority.of(await newAuthority(options(1)), options(1));
    expect(authority.derivedKey("one", 32)).toStrictEqual(authority.derivedKey("one", 32));
    expect(authority.derivedKey("one", 32)).not.toStrictEqual(authority.derivedKey("two", 32));
  });
});
