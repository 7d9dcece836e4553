/** A volume of 1 GiB up and down. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { connect, type StorageVolume } from "../src/index.ts";
import type { Peers } from "./peers.ts";
import type { Row } from "./report.ts";

const MIB = 1_048_576;

async function upload(volume: StorageVolume, bytes: number): Promise<number> {
  const piece = Buffer.alloc(MIB);
  const start = performance.now();
  const stream = await volume.upload({ length: BigInt(bytes) });
  const finished = new Promise<void>((resolve, reject) => {
    stream.on("finish", resolve).on("error", reject);
  });
  for (let sent = 0; sent < bytes; sent += MIB) {
    if (!stream.write(piece)) await new Promise((resolve) => stream.once("drain", resolve));
  }
  stream.end();
  await finished;
  return bytes / MIB / ((performance.now() - start) / 1000);
}

async function download(volume: StorageVolume): Promise<number> {
  const start = performance.now();
  let bytes = 0;
  for await (const chunk of await volume.download()) bytes += (chunk as Buffer).length;
  return bytes / MIB / ((performance.now() - start) / 1000);
}

export async function benchStreams(
  daemon: { readonly root: string; readonly socketPath: string },
  peers: Peers,
  mebibytes: number,
): Promise<readonly Row[]> {
  const bytes = mebibytes * MIB;
  mkdirSync(join(daemon.root, "run/bench"));
  await using hypervisor = await connect({ socketPath: daemon.socketPath });
  const pool = await hypervisor.storagePoolDefineXml(
    `<pool type='dir'><name>bench</name><target><path>/run/bench</path></target></pool>`,
  );
  await pool.create();
  const volume = await pool.storageVolCreateXml(
    `<volume><name>v.raw</name><capacity unit='bytes'>${bytes}</capacity></volume>`,
  );
  const uri = `qemu+unix:///system?socket=${daemon.socketPath}`;
  const path = await volume.getPath();
  const rates = { upOurs: 0, upC: 0, downOurs: 0, downC: 0 };
  for (let round = 0; round < 3; round++) {
    rates.upOurs = Math.max(rates.upOurs, await upload(volume, bytes));
    const up = await peers.c?.(uri, "upload", path, String(bytes));
    rates.upC = Math.max(rates.upC, up?.[0] ?? 0);
    rates.downOurs = Math.max(rates.downOurs, await download(volume));
    const down = await peers.c?.(uri, "download", path, String(bytes));
    rates.downC = Math.max(rates.downC, down?.[0] ?? 0);
  }
  await volume.delete();
  await pool.destroy();
  await pool.undefine();
  const of = (rate: number) => (rate === 0 ? null : rate);
  const size = `${mebibytes} MiB`;
  return [
    {
      what: `upload of ${size}, MiB/s`,
      ours: rates.upOurs,
      peer: "C",
      theirs: of(rates.upC),
      bar: 0.8,
    },
    {
      what: `download of ${size}, MiB/s`,
      ours: rates.downOurs,
      peer: "C",
      theirs: of(rates.downC),
      bar: 0.8,
    },
  ];
}
