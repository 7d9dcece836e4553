/** Looks at a file that is to become an image: what it is, how large a disk, and whether a VM may be made of it. */
import { open } from "node:fs/promises";
import { invalid, MusterError, type ImageFormat } from "@muster/model";
import { HEADER_BYTES, judgeHeader, refuseAbsurd } from "./disk-header.ts";
import { runTool } from "./run-tool.ts";

export interface DiskFacts {
  readonly format: ImageFormat;
  readonly virtualSizeBytes: bigint;
}

/** It reads a header and tables; a file that takes more was made to. */
const INSPECT_LIMITS = { seconds: 20, memoryBytes: 1024 ** 3 };
const SECTOR_BYTES = 512n;

/** Throws `invalid` with the reason. `what` names it in messages. */
export async function inspectDisk(
  path: string,
  what: string,
  signal: AbortSignal,
): Promise<DiskFacts> {
  const file = await open(path, "r");
  let header: Buffer;
  let sizeBytes: bigint;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
    header = buffer.subarray(0, bytesRead);
    sizeBytes = (await file.stat({ bigint: true })).size;
  } finally {
    await file.close();
  }
  const { format } = judgeHeader(header, what);
  if (format === "raw") {
    const virtualSizeBytes = wholeSectors(sizeBytes);
    refuseAbsurd(virtualSizeBytes, what);
    return { format, virtualSizeBytes };
  }
  const { stdout } = await runTool(
    ["qemu-img", "info", "--output=json", "--force-share", "-f", format, path],
    { limits: INSPECT_LIMITS, signal },
  ).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw new MusterError("invalid", `${what} is a qcow2 file that qemu-img does not read`, {
      cause,
    });
  });
  return { format, virtualSizeBytes: judgeInfo(stdout, what) };
}

/** QEMU rounds a raw file's size up. */
const wholeSectors = (bytes: bigint): bigint =>
  ((bytes + SECTOR_BYTES - 1n) / SECTOR_BYTES) * SECTOR_BYTES;

function judgeInfo(json: string, what: string): bigint {
  const info = JSON.parse(json) as Readonly<Record<string, unknown>>;
  for (const [field, problem] of [
    ["backing-filename", "has a backing file"],
    ["full-backing-filename", "has a backing file"],
    ["encrypted", "is encrypted"],
  ] as const) {
    if (info[field] !== undefined && info[field] !== false) throw invalid(what, problem);
  }
  const size = info["virtual-size"];
  if (typeof size !== "number") throw invalid(what, "qemu-img does not say how large it is");
  refuseAbsurd(BigInt(size), what);
  return BigInt(size);
}
