import { copyFile, cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom, SimulatedClock } from "@muster/runtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Ledger } from "../ledger/ledger.ts";
import { SqliteStore } from "../store/sqlite-store.ts";
import { clusterId } from "../testing/builders.ts";
import { Authority } from "./authority.ts";
import {
  ensureAuthority,
  openAuthority,
  type AuthorityPlace,
  type SharedAuthorityParts,
} from "./shared-authority.ts";

describe("the authority of several coordinators", () => {
  let directory: string;
  let store: SqliteStore;
  let ledger: Ledger;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "muster-shared-"));
    store = SqliteStore.open(":memory:");
    ledger = await Ledger.open(store, () => clusterId);
    for (const name of ["c1", "c2"]) await mkdir(join(directory, name));
  });
  afterEach(async () => {
    await store[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  const of = (name: string, kind: AuthorityPlace["kind"]): SharedAuthorityParts => {
    const dataDirectory = join(directory, name);
    const sealFile = join(dataDirectory, "authority.seal");
    return {
      ledger,
      place: kind === "store" ? { kind, sealFile } : { kind },
      options: { dataDirectory, clock: new SimulatedClock(), random: seededRandom(name.length) },
    };
  };
  const inDirectory = (name: string, file: string): string => join(directory, name, file);

  it("is made once, sealed in the store, and opens for whoever has the seal", async () => {
    await ensureAuthority(of("c1", "store"));
    const made = ledger.view.authority;
    expect(made?.sealedKey).toMatch(/^muster-seal-1:/);
    for (const { value } of (await store.snapshot()).records) {
      expect(value).not.toContain("PRIVATE KEY");
    }
    await ensureAuthority(of("c1", "store"));
    await ensureAuthority(of("c2", "store"));
    expect(ledger.view.authority).toStrictEqual(made);
    await expect(openAuthority(of("c2", "store"))).rejects.toMatchObject({
      code: "storage-failed",
      message: expect.stringContaining("c2/authority.seal is missing") as string,
    });
    await copyFile(inDirectory("c1", "authority.seal"), inDirectory("c2", "authority.seal"));
    const [one, other] = [
      await openAuthority(of("c1", "store")),
      await openAuthority(of("c2", "store")),
    ];
    expect(other.fingerprint).toBe(one.fingerprint);
    // What one issues is good with the other: both sign with the same key.
    const { certificate } = await other.issueServer(["c2.example"]);
    expect(certificate).toContain(one.certificate);
    expect(other.derivedKey("any", 32)).toStrictEqual(one.derivedKey("any", 32));
  });

  it("does not open with another cluster's seal", async () => {
    await ensureAuthority(of("c1", "store"));
    await writeFile(
      inDirectory("c2", "authority.seal"),
      `${Buffer.alloc(32).toString("base64url")}\n`,
    );
    await expect(openAuthority(of("c2", "store"))).rejects.toMatchObject({
      code: "storage-failed",
      message: expect.stringContaining("does not open the authority's key") as string,
    });
  });

  it.each(["store", "directory"] as const)(
    "is the one that hosts know already when the cluster came from sqlite: %s",
    async (kind) => {
      const { options } = of("c1", kind);
      const before = await Authority.open({ ...options, clusterId });
      await ensureAuthority(of("c1", kind));
      expect((await openAuthority(of("c1", kind))).fingerprint).toBe(before.fingerprint);
    },
  );

  it("is copied by the site when its key is to stay out of the store", async () => {
    await ensureAuthority(of("c1", "directory"));
    expect(ledger.view.authority?.sealedKey).toBeUndefined();
    await expect(openAuthority(of("c2", "directory"))).rejects.toMatchObject({
      code: "storage-failed",
      message: expect.stringContaining("c2/authority is missing") as string,
    });
    await cp(inDirectory("c1", "authority"), inDirectory("c2", "authority"), { recursive: true });
    const fingerprint = (await openAuthority(of("c1", "directory"))).fingerprint;
    expect((await openAuthority(of("c2", "directory"))).fingerprint).toBe(fingerprint);
  });

  it("is refused when the directory is another cluster's", async () => {
    await ensureAuthority(of("c1", "directory"));
    await Authority.open({ ...of("c2", "directory").options, clusterId });
    await expect(openAuthority(of("c2", "directory"))).rejects.toMatchObject({
      code: "storage-failed",
      message: expect.stringContaining("is another cluster's authority") as string,
    });
  });

  it("is not there before a leader made it", async () => {
    await expect(openAuthority(of("c1", "store"))).rejects.toMatchObject({ code: "internal" });
  });
});
