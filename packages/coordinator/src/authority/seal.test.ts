import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseClusterId } from "@muster/model";
import { seededRandom } from "@muster/runtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Seal } from "./seal.ts";

const clusterId = parseClusterId("11111111-1111-4111-8111-111111111111");
const otherCluster = parseClusterId("22222222-2222-4222-8222-222222222222");
const TEXT = "a key — with every kind of byte: \u0000 ü 🔑";

describe("a seal", () => {
  let directory: string;
  let path: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "muster-seal-"));
    path = join(directory, "authority.seal");
  });
  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  const create = (seed = 1): Promise<Seal> => Seal.create(path, seededRandom(seed));

  it("is a file for the coordinator's user only, and opens from a copy of it", async () => {
    const sealed = (await create()).close(TEXT, clusterId, seededRandom(2));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const copy = join(directory, "copy.seal");
    await writeFile(copy, await readFile(path));
    expect((await Seal.load(copy))?.open(sealed, clusterId)).toBe(TEXT);
  });

  it("shows nothing of what is sealed, and never seals alike", async () => {
    const seal = await create();
    const random = seededRandom(2);
    const [one, other] = [seal.close(TEXT, clusterId, random), seal.close(TEXT, clusterId, random)];
    expect(one).toMatch(/^muster-seal-1:[\w-]+$/);
    expect(one).not.toBe(other);
    expect(Buffer.from(one, "base64url").toString("latin1")).not.toContain("key");
  });

  it("is not there until it is made", async () => {
    expect(await Seal.load(path)).toBeUndefined();
  });

  it.each(["", "too short", "x".repeat(100)])("is refused when it is damaged: %j", async (text) => {
    await writeFile(path, text);
    await expect(Seal.load(path)).rejects.toMatchObject({
      code: "storage-failed",
      message: `${path} is not a seal`,
      hint: "copy the file from another coordinator of this cluster",
    });
  });

  it("that cannot be read is not taken for one that is missing", async () => {
    await expect(Seal.load(directory)).rejects.toMatchObject({
      code: "storage-failed",
      message: `failed to read ${directory}`,
    });
  });

  it("opens nothing of another cluster, of another seal, or sealed in another way", async () => {
    const seal = await create();
    const sealed = seal.close(TEXT, clusterId, seededRandom(2));
    const refusal = {
      code: "storage-failed",
      message: `${path} does not open the authority's key`,
    };
    const opening = (one: Seal, text: string, id = clusterId) => {
      try {
        return one.open(text, id);
      } catch (error) {
        return error;
      }
    };
    expect(opening(seal, sealed, otherCluster)).toMatchObject(refusal);
    expect(opening(await create(9), sealed)).toMatchObject(refusal);
    expect(opening(seal, sealed.replace("seal-1", "seal-2"))).toMatchObject(refusal);
    expect(opening(seal, TEXT)).toMatchObject(refusal);
    expect(opening(seal, "muster-seal-1:")).toMatchObject(refusal);
  });

  it("opens nothing of which any byte was changed or cut off", async () => {
    const seal = await create();
    const head = "muster-seal-1:";
    const bytes = Buffer.from(
      seal.close("key", clusterId, seededRandom(2)).slice(head.length),
      "base64url",
    );
    for (const at of bytes.keys()) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => seal.open(head + changed.toString("base64url"), clusterId)).toThrow("not open");
      const cut = bytes.subarray(0, at).toString("base64url");
      expect(() => seal.open(head + cut, clusterId)).toThrow("not open");
    }
  });
});
