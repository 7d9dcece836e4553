/** Fetching into the cache, from a real web server that cuts off, changes and vanishes. */
import { execFileSync, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import {
  at,
  cacheSetting,
  contentsOf,
  MIB,
  patient,
  rawDisk,
  vmId,
} from "./testing/cache-setting.ts";
import { serveFiles } from "./testing/file-server.ts";

const disk = rawDisk(3 * MIB);
const contents = contentsOf(disk);
const xz = execFileSync("xz", ["--stdout", "-1"], { input: disk, maxBuffer: 16 * MIB });

describe("fetching an image", () => {
  it.each([
    ["none", disk],
    ["gz", gzipSync(disk)],
    ["zst", zstdCompressSync(disk)],
    ["xz", xz],
  ] as const)("packed as %s it is what its name says", async (packing, bytes) => {
    await using server = await serveFiles();
    await using setting = await cacheSetting();
    server.files.set("disk", bytes);
    const order = { contents, sources: [at(server.url("disk"), { packing })] };
    await setting.cache.fetch(order, patient());
    const file = await setting.cache.hold(contents.digest, { vmId, diskIndex: 0 });
    expect((await readFile(file.path)).equals(disk)).toBe(true);
    // A quarter of it is a hole, and stays one.
    expect((await stat(file.path)).blocks * 512).toBeLessThan(disk.length);
    expect(await setting.leftovers()).toEqual([]);
  });

  it("joins the parts of a split file", async () => {
    await using server = await serveFiles();
    await using setting = await cacheSetting();
    const packed = gzipSync(disk);
    const names = [0, 1, 2].map((part) => {
      server.files.set(
        `disk.gz.0${String(part)}`,
        packed.subarray(part * 1000, part === 2 ? undefined : part * 1000 + 1000),
      );
      return server.url(`disk.gz.0${String(part)}`);
    });
    server.cutAfter.push(500, 300);
    await setting.cache.fetch({ contents, sources: [at(names, { packing: "gz" })] }, patient());
    expect(setting.cache.find(contents.digest)).toMatchObject(contents);
  });

  it("goes on where it was cut off, and reads nothing twice", async () => {
    await using server = await serveFiles();
    await using setting = await cacheSetting();
    server.files.set("disk", disk);
    server.cutAfter.push(MIB, MIB);
    await setting.cache.fetch({ contents, sources: [at(server.url("disk"))] }, patient());
    expect(server.requests).toHaveLength(3);
    expect(server.requests[2]).toMatch(/bytes=\d{6,}-/);
    expect(setting.cache.counters.fetchedBytes.repository).toBeLessThan(disk.length * 1.1);
  });

  it("takes the next source when the first is gone, and the bytes of the first count", async () => {
    await using gone = await serveFiles();
    await using server = await serveFiles();
    await using setting = await cacheSetting();
    server.files.set("disk", disk);
    const sources = [at(gone.url("disk")), at(server.url("disk"))];
    await setting.cache.fetch({ contents, sources }, patient());
    expect(setting.cache.find(contents.digest)).toBeDefined();
  });

  it("fetches once, however many ask", async () => {
    await using server = await serveFiles();
    await using setting = await cacheSetting();
    server.files.set("disk", disk);
    const order = { contents, sources: [at(server.url("disk"))] };
    await Promise.all(Array.from({ length: 10 }, () => setting.cache.fetch(order, patient())));
    expect(server.requests).toHaveLength(1);
    expect(setting.cache.counters).toMatchObject({ hits: 9, misses: 1 });
  });

  it("goes on in another's place who was cancelled", async () => {
    await using server = await serveFiles();
    await using setting = await cacheSetting();
    server.files.set("disk", disk);
    server.pace = 2 * MIB;
    const cancel = new AbortController();
    const order = { contents, sources: [at(server.url("disk"))] };
    const first = setting.cache.fetch(order, { ...patient(), signal: cancel.signal });
    const second = setting.cache.fetch(order, patient());
    await sleep(300);
    server.pace = 0;
    cancel.abort(new Error("not wanted any more"));
    await expect(first).rejects.toThrow("not wanted any more");
    await second;
    expect(setting.cache.find(contents.digest)).toBeDefined();
  });
});

describe("what is not right", () => {
  it("refuses other contents, says both names, and keeps nothing", async () => {
    await using server = await serveFiles();
    await using setting = await cacheSetting();
    server.files.set("disk", rawDisk(3 * MIB, 2));
    const fetching = setting.cache.fetch(
      { contents, sources: [at(server.url("disk"))] },
      patient(),
    );
    const error = await fetching.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "unreachable" });
    expect(JSON.stringify(error)).toContain(contents.digest);
    expect(setting.cache.report().images).toEqual([]);
    expect(await setting.leftovers()).toEqual([]);
  });

  it("reads anew what an earlier try left damaged", async () => {
    await using server = await serveFiles();
    await using setting = await cacheSetting();
    server.files.set("disk", disk);
    await writeFile(join(setting.directory, "partial", contents.digest), rawDisk(MIB, 9));
    await setting.cache.fetch({ contents, sources: [at(server.url("disk"))] }, patient());
    expect(setting.cache.find(contents.digest)).toBeDefined();
    expect(server.requests).toHaveLength(2);
  });

  it("stops a bomb before it is on the disk", async () => {
    await using server = await serveFiles();
    await using setting = await cacheSetting();
    server.files.set("bomb", gzipSync(Buffer.alloc(64 * MIB)));
    const sources = [at(server.url("bomb"), { packing: "gz" })];
    const error = await setting.cache
      .fetch({ contents, sources }, patient())
      .catch((thrown: unknown) => thrown);
    expect(JSON.stringify(error)).toMatch(/unpacks to more than it may/);
    expect(await setting.leftovers()).toEqual([]);
  });

  it("says which servers failed and why when all do", async () => {
    await using server = await serveFiles();
    await using setting = await cacheSetting();
    const sources = [at(server.url("a")), at("http://127.0.0.1:1/b")];
    await expect(setting.cache.fetch({ contents, sources }, patient())).rejects.toMatchObject({
      code: "unreachable",
      reasons: [
        expect.stringMatching(/\/a: .*answered 404/),
        expect.stringMatching(/\/b: .*ECONNREFUSED/),
      ],
    });
  });

  it("refuses contents of another size than the books say", async () => {
    await using server = await serveFiles();
    await using setting = await cacheSetting();
    server.files.set("disk", disk);
    const wrong = { ...contents, sizeBytes: contents.sizeBytes + 1n };
    const order = { contents: wrong, sources: [at(server.url("disk"))] };
    await expect(setting.cache.fetch(order, patient())).rejects.toMatchObject({
      reasons: [expect.stringMatching(/bytes/)],
    });
    expect(setting.cache.report().images).toEqual([]);
    expect(await setting.leftovers()).toEqual([]);
  });
});

describe("a full disk", () => {
  it("is said clearly, and nothing half-made takes what is left", async () => {
    const directory = await mkdtemp(join(tmpdir(), "muster-full-"));
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=520m", "none", directory]);
    } catch (error) {
      await rm(directory, { recursive: true });
      throw new Error("this test mounts a small tmpfs and needs root", { cause: error });
    }
    try {
      await using server = await serveFiles();
      server.files.set("disk", disk);
      server.files.set("large", Buffer.alloc(16 * MIB, 7));
      const setting = await cacheSetting({ directory });
      const large = contentsOf(Buffer.alloc(16 * MIB, 7));
      await expect(
        setting.cache.fetch({ contents: large, sources: [at(server.url("large"))] }, patient()),
      ).rejects.toMatchObject({
        code: "storage-failed",
        reasons: [expect.stringMatching(/16 MiB are needed .* missing/)],
      });
      await setting.cache.fetch({ contents, sources: [at(server.url("disk"))] }, patient());
      expect(setting.cache.report().images).toHaveLength(1);
      expect(await setting.leftovers()).toEqual([]);
    } finally {
      execFileSync("umount", [directory]);
      await rm(directory, { recursive: true, force: true });
    }
  });
});

describe("kill -9 in the middle", () => {
  it("is gone on from by the next agent", async () => {
    await using server = await serveFiles();
    await using setting = await cacheSetting();
    server.files.set("disk", disk);
    server.pace = MIB;
    const log = createWriteStream("/dev/null");
    const child = spawn(
      process.execPath,
      [
        join(import.meta.dirname, "testing/fetcher/main.ts"),
        setting.directory,
        server.url("disk"),
        contents.digest,
        String(disk.length),
      ],
      { stdio: ["ignore", "inherit", "inherit"] },
    );
    const partial = join(setting.directory, "partial", contents.digest);
    for (let size = 0; size < MIB;) {
      await sleep(20);
      size = await stat(partial).then(
        (file) => file.size,
        () => 0,
      );
    }
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
    log.destroy();
    server.pace = 0;
    const cache = await setting.reopen();
    await cache.fetch({ contents, sources: [at(server.url("disk"))] }, patient());
    expect(server.requests[1]).toMatch(/bytes=[1-9]\d{5,}-/);
    expect(cache.find(contents.digest)).toBeDefined();
  });
});

describe("a damaged cache", () => {
  it.each([
    ["cut off", async (path: string) => writeFile(path, disk.subarray(0, 1000))],
    ["written to", async (path: string) => appendFile(path, "x")],
    ["gone", async (path: string) => rm(path)],
  ])("is fetched anew when a file was %s", async (_what, damage) => {
    await using server = await serveFiles();
    await using setting = await cacheSetting();
    server.files.set("disk", disk);
    const order = { contents, sources: [at(server.url("disk"))] };
    await setting.cache.fetch(order, patient());
    const { path } = setting.cache.find(contents.digest) ?? { path: "" };
    await damage(path);
    await expect(setting.cache.hold(contents.digest, { vmId, diskIndex: 0 })).rejects.toMatchObject(
      { code: "not-found" },
    );
    await setting.cache.fetch(order, patient());
    const file = await setting.cache.hold(contents.digest, { vmId, diskIndex: 0 });
    expect((await readFile(file.path)).equals(disk)).toBe(true);
  });

  it("is found by the nightly look even where nothing shows", async () => {
    await using server = await serveFiles();
    await using setting = await cacheSetting();
    server.files.set("disk", disk);
    await setting.cache.fetch({ contents, sources: [at(server.url("disk"))] }, patient());
    const { path } = setting.cache.find(contents.digest) ?? { path: "" };
    const { atime, mtime } = await stat(path);
    const rotten = Buffer.from(disk);
    rotten[100] = (rotten[100] ?? 0) ^ 1;
    await writeFile(path, rotten);
    const { utimes } = await import("node:fs/promises");
    await utimes(path, atime, mtime);
    await setting.cache.clean(() => true);
    expect(setting.cache.report().images).toEqual([]);
  });
});
