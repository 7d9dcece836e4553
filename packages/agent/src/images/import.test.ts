/** Files nobody has named yet: what is taken, and what is refused before any tool could follow it. */
import { execFileSync } from "node:child_process";
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HEADER_BYTES, judgeHeader } from "./disk-header.ts";
import {
  at,
  cacheSetting,
  MIB,
  patient,
  qemuImg,
  rawDisk,
  sha256,
  vmId,
} from "./testing/cache-setting.ts";

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "muster-import-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const disk = rawDisk(2 * MIB);
const path = (name: string): string => join(directory, name);
const url = (name: string): string => `file://${path(name)}`;

async function qcow2(name: string, ...options: readonly string[]): Promise<string> {
  await writeFile(path("plain.raw"), disk);
  qemuImg("convert", "-O", "qcow2", ...options, path("plain.raw"), path(name));
  return path(name);
}

describe("importing an image", () => {
  it("names a raw disk by its sha256", async () => {
    await using setting = await cacheSetting();
    await writeFile(path("a.raw"), disk);
    const contents = await setting.cache.import({ source: at(url("a.raw")) }, patient());
    expect(contents).toEqual({
      digest: sha256(disk),
      format: "raw",
      sizeBytes: BigInt(disk.length),
      virtualSizeBytes: BigInt(disk.length),
    });
    expect(await setting.leftovers()).toEqual([]);
  });

  it("reads the virtual size of a packed qcow2", async () => {
    await using setting = await cacheSetting();
    const plain = await readFile(await qcow2("b.qcow2"));
    await writeFile(path("b.qcow2.gz"), gzipSync(plain));
    const source = at(url("b.qcow2.gz"), { packing: "gz" });
    const contents = await setting.cache.import({ source }, patient());
    expect(contents).toMatchObject({
      digest: sha256(plain),
      format: "qcow2",
      virtualSizeBytes: BigInt(disk.length),
    });
  });

  it("converts, says how far it is, and the disk is the same", async () => {
    await using setting = await cacheSetting();
    await qcow2("c.qcow2", "-c");
    const phases: string[] = [];
    const order = { source: at(url("c.qcow2")), convertTo: "raw" } as const;
    const contents = await setting.cache.import(order, patient(phases));
    expect(contents).toMatchObject({ format: "raw", digest: sha256(disk) });
    expect(phases.join("\n")).toMatch(/converting to raw: 100 %/);
  });

  it("refuses another checksum, and nothing is taken", async () => {
    await using setting = await cacheSetting();
    await writeFile(path("d.raw"), disk);
    const source = at(url("d.raw"), { packedSha256: "0".repeat(64) });
    await expect(setting.cache.import({ source }, patient())).rejects.toMatchObject({
      code: "invalid",
      reasons: [`its sha256 is ${sha256(disk)}, not ${"0".repeat(64)}`],
    });
    expect(setting.cache.report().images).toEqual([]);
    expect(await setting.leftovers()).toEqual([]);
  });
});

describe("a hostile image", () => {
  const refusals: readonly (readonly [string, () => Promise<void>, RegExp])[] = [
    [
      "backing file",
      async () => {
        await writeFile(path("secret"), "root:x:0:0\n");
        qemuImg("create", "-f", "qcow2", "-F", "raw", "-b", path("secret"), path("x"), "1M");
      },
      /has a backing file/,
    ],
    [
      "external data file",
      async () => {
        qemuImg(
          "create",
          "-f",
          "qcow2",
          "-o",
          `data_file=${path("data")},data_file_raw=on`,
          path("x"),
          "1M",
        );
      },
      /external data file/,
    ],
    [
      "absurd size",
      async () => {
        await qcow2("x");
        const file = await open(path("x"), "r+");
        const size = Buffer.alloc(8);
        size.writeBigUInt64BE(2n ** 62n);
        await file.write(size, 0, 8, 24);
        await file.close();
      },
      /says it is a disk of/,
    ],
    [
      "header that is cut off",
      async () =>
        writeFile(path("x"), Buffer.concat([Buffer.from("QFI\xfb", "latin1"), Buffer.alloc(20)])),
      /is cut off/,
    ],
    [
      "broken qcow2",
      async () => {
        const whole = await readFile(await qcow2("y"));
        const header = Buffer.from(whole.subarray(0, HEADER_BYTES));
        header.writeUInt32BE(2 ** 31, 36);
        await writeFile(path("x"), header);
      },
      /qemu-img does not read/,
    ],
    [
      "VMDK, whose extents can be any file",
      async () => {
        qemuImg("create", "-f", "vmdk", path("x"), "1M");
      },
      /is a VMDK image/,
    ],
    [
      "encrypted",
      async () => {
        await qcow2("x");
        const file = await open(path("x"), "r+");
        await file.write(Buffer.from([0, 0, 0, 2]), 0, 4, 32);
        await file.close();
      },
      /is encrypted/,
    ],
    [
      "file that says nothing of its packing",
      async () => writeFile(path("x"), gzipSync(disk)),
      /is packed/,
    ],
    ["empty file", async () => writeFile(path("x"), ""), /a disk of 0 bytes/],
  ];

  it.each(refusals)("is refused: %s", async (_what, make, message) => {
    await using setting = await cacheSetting();
    await make();
    const error = await setting.cache
      .import({ source: at(url("x")) }, patient())
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "invalid" });
    expect(String(error)).toMatch(message);
    expect(setting.cache.report().images).toEqual([]);
    expect(await setting.leftovers()).toEqual([]);
    await rm(path("x"), { force: true });
  });

  it("that is raw for us stays raw: nothing is guessed again", () => {
    expect(judgeHeader(Buffer.alloc(HEADER_BYTES), "it")).toEqual({ format: "raw" });
  });

  it("cannot be a directory or a device", async () => {
    await using setting = await cacheSetting();
    for (const file of [directory, "/dev/zero"]) {
      await expect(
        setting.cache.import({ source: at(`file://${file}`) }, patient()),
      ).rejects.toThrow(/not a file/);
    }
  });
});

describe("a signature", () => {
  const wrong =
    "untrusted comment: x\nRUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=\n";

  it("by minisign is checked by minisign itself", async () => {
    await using setting = await cacheSetting();
    await writeFile(path("s.raw"), disk);
    const [publicFile, secret, signed] = [path("k.pub"), path("k.sec"), path("s.minisig")];
    execFileSync("minisign", ["-G", "-f", "-W", "-p", publicFile, "-s", secret]);
    execFileSync("minisign", ["-S", "-s", secret, "-m", path("s.raw"), "-x", signed]);
    const publicKey = await readFile(publicFile, "utf8");
    const signature = await readFile(signed, "utf8");
    const order = {
      source: at(url("s.raw")),
      signature: { kind: "minisign", key: "k", publicKey, signature },
    } as const;
    expect(await setting.cache.import(order, patient())).toMatchObject({ digest: sha256(disk) });
    await setting.cache.drop(sha256(disk));
    for (const bad of [
      { ...order.signature, signature: wrong },
      { ...order.signature, publicKey: "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3" },
    ]) {
      await expect(
        setting.cache.import({ ...order, signature: bad }, patient()),
      ).rejects.toMatchObject({ code: "forbidden" });
    }
    expect(setting.cache.report().images).toEqual([]);
  });

  it("by gpg is checked by gpgv", async () => {
    await using setting = await cacheSetting();
    await writeFile(path("g.raw"), disk);
    const home = await mkdtemp(join(tmpdir(), "mg-"));
    const gpg = (...words: readonly string[]): string =>
      execFileSync("gpg", ["--homedir", home, "--batch", "--quiet", ...words], {
        encoding: "utf8",
      });
    try {
      gpg("--passphrase", "", "--quick-gen-key", "ops@example.org", "ed25519", "sign", "never");
      const publicKey = gpg("--armor", "--export");
      gpg("--armor", "--detach-sign", "--output", path("g.asc"), path("g.raw"));
      const signature = await readFile(path("g.asc"), "utf8");
      const order = {
        source: at(url("g.raw")),
        signature: { kind: "gpg", key: "g", publicKey, signature },
      } as const;
      expect(await setting.cache.import(order, patient())).toMatchObject({ digest: sha256(disk) });
      await setting.cache.drop(sha256(disk));
      await writeFile(path("g.raw"), rawDisk(2 * MIB, 5));
      await expect(setting.cache.import(order, patient())).rejects.toMatchObject({
        code: "forbidden",
      });
    } finally {
      execFileSync("gpgconf", ["--homedir", home, "--kill", "all"]);
      await rm(home, { recursive: true, force: true });
    }
  });
});

describe("eviction", () => {
  it("takes the longest unused first, never what is used, kept, or on its way to another host", async () => {
    await using setting = await cacheSetting();
    const names = ["1", "2", "3", "4", "5"];
    const digests: string[] = [];
    for (const name of names) {
      await writeFile(path(name), rawDisk(MIB, Number(name) * 100));
      digests.push((await setting.cache.import({ source: at(url(name)) }, patient())).digest);
    }
    const [, second = "", third = "", fourth = "", fifth = ""] = digests;
    await setting.cache.hold(second, { vmId, diskIndex: 0 });
    await setting.cache.keep(third, true);
    const small = await setting.reopen({ maxBytes: BigInt(2.5 * MIB) });
    small.offer(fifth, "ticket", 60_000);
    await small.clean(() => true);
    const left = small.report().images.map(({ digest }) => digest);
    expect(left.toSorted()).toEqual([second, third, fifth].toSorted());
    expect(left).not.toContain(fourth);
    await expect(small.drop(second)).rejects.toMatchObject({ code: "wrong-state" });
    // The VM is gone, and with it what it held.
    await small.clean(() => false);
    expect(small.report().images.map(({ digest }) => digest)).not.toContain(second);
  });

  it("is remembered over a restart who uses what", async () => {
    await using setting = await cacheSetting();
    await writeFile(path("u"), disk);
    const { digest } = await setting.cache.import({ source: at(url("u")) }, patient());
    await setting.cache.hold(digest, { vmId, diskIndex: 0 });
    const next = await setting.reopen({ maxBytes: 0n });
    await next.clean(() => true);
    expect(next.report().images).toMatchObject([{ digest, uses: 1 }]);
    await next.release(vmId);
    await next.clean(() => true);
    expect(next.report().images).toEqual([]);
  });
});
