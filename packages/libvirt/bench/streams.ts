/** A volume of 1 GiB up and down. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { connect, type StorageVolume } from "../src/index.ts";
import type { Peers } from "./peers.ts";
import type { Row } from "./report.ts";
import { compare, interleave, timed, type Contestant } from "./rounds.ts";

const MIB = 1_048_576;

/** VIR_NET_MESSAGE_LEGACY_PAYLOAD_MAX: what the C client reads at once, too. */
const RECV_BYTES = 262_120;

async function upload(volume: StorageVolume, bytes: number): Promise<void> {
  const piece = Buffer.alloc(MIB);
  const stream = await volume.upload({ length: BigInt(bytes) });
  const finished = new Promise<void>((resolve, reject) => {
    stream.on("finish", resolve).on("error", reject);
  });
  for (let sent = 0; sent < bytes; sent += MIB) {
    if (!stream.write(piece)) await new Promise((resolve) => stream.once("drain", resolve));
  }
  stream.end();
  await finished;
}

/** As a Node stream: every piece is memory of its own, which the reader may keep. */
async function download(volume: StorageVolume, bytes: number): Promise<void> {
  let received = 0;
  for await (const chunk of await volume.download()) received += (chunk as Buffer).length;
  if (received !== bytes) throw new Error(`${received} bytes came`);
}

/** Into the same memory again and again, as the C client does. */
async function receive(volume: StorageVolume, bytes: number): Promise<void> {
  const memory = Buffer.allocUnsafeSlow(RECV_BYTES);
  let received = 0;
  const stream = await volume.download();
  for (let size = 1; size > 0; received += size) size = await stream.recv(memory);
  stream.end();
  if (received !== bytes) throw new Error(`${received} bytes came`);
}

export interface StreamTarget {
  readonly root: string;
  readonly socketPath: string;
  readonly daemonCpu: () => number;
}

export async function benchStreams(
  { root, socketPath, daemonCpu }: StreamTarget,
  peers: Peers,
  mebibytes: number,
): Promise<readonly Row[]> {
  const bytes = mebibytes * MIB;
  mkdirSync(join(root, "run/bench"));
  await using hypervisor = await connect({ socketPath });
  await using c = peers.c?.(`qemu+unix:///system?socket=${socketPath}`);
  const pool = await hypervisor.storagePoolDefineXml(
    `<pool type='dir'><name>bench</name><target><path>/run/bench</path></target></pool>`,
  );
  await pool.create();
  const volume = await pool.storageVolCreateXml(
    `<volume><name>v.raw</name><capacity unit='bytes'>${bytes}</capacity></volume>`,
  );
  const path = await volume.getPath();
  const theirs = (order: string) => (c ? [c.contestant(order, path, bytes)] : []);
  const ours = (name: string, work: typeof upload): Contestant => ({
    name,
    run: () => timed(() => work(volume, bytes)),
  });
  const options = { rounds: mebibytes < 1024 ? 9 : 5, daemonCpu };
  const up = [ours("ours", upload), ...theirs("upload")];
  const down = [ours("ours", download), ours("recv", receive), ...theirs("download")];
  for (const { run: warmUp } of [...up, ...down]) await warmUp();
  const uploads = await interleave(up, options);
  const downloads = await interleave(down, options);
  await volume.delete();
  await pool.destroy();
  await pool.undefine();
  const size = `${mebibytes} MiB`;
  const common = { units: mebibytes, peer: "C" };
  const rate = { ...common, side: "time", shown: "rate", bar: 0.8 } as const;
  const cpu = { ...common, side: "client", shown: 1e6, bar: null } as const;
  const sent = { ours: uploads.get("ours"), theirs: uploads.get("C") };
  const read = { ours: downloads.get("ours"), theirs: downloads.get("C") };
  const received = { ours: downloads.get("recv"), theirs: downloads.get("C") };
  return [
    compare({ ...rate, ...sent, what: `upload of ${size}, MiB/s` }),
    compare({ ...rate, ...read, what: `download of ${size}, MiB/s` }),
    compare({ ...rate, ...received, what: `download by recv(), MiB/s` }),
    compare({ ...cpu, ...sent, what: "upload, client CPU us/MiB" }),
    compare({ ...cpu, ...read, what: "download, client CPU us/MiB" }),
    compare({ ...cpu, ...received, what: "recv(), client CPU us/MiB" }),
  ];
}
