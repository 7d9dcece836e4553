/** Makes a disk of another format, or a disk that stands alone, with qemu-img, and says how far it is. */
import { MusterError, type ImageFormat } from "@muster/model";
import { VIRTUAL_SIZE_MAX_BYTES } from "./disk-header.ts";
import { runTool } from "./run-tool.ts";

/** The largest disk at a few MB/s. */
const CONVERT_LIMITS = {
  seconds: 24 * 3_600,
  memoryBytes: 4 * 1024 ** 3,
  fileBytes: 2n * VIRTUAL_SIZE_MAX_BYTES,
};

export interface DiskConversion {
  readonly from: string;
  /** Of `from`: never guessed. */
  readonly format: ImageFormat;
  readonly to: string;
  readonly toFormat: ImageFormat;
  /** The whole size is taken at once. */
  readonly preallocated?: boolean;
}

export async function convertDisk(
  { from, format, to, toFormat, preallocated = false }: DiskConversion,
  watcher: { readonly signal: AbortSignal; readonly onProgress: (phase: string) => void },
): Promise<void> {
  const options = preallocated ? ["-o", "preallocation=falloc"] : [];
  let told = -1;
  await runTool(["qemu-img", "convert", "-p", "-f", format, "-O", toFormat, ...options, from, to], {
    limits: CONVERT_LIMITS,
    signal: watcher.signal,
    onOutput: (text) => {
      const percent = Math.floor(Number(/\(\s*([\d.]+)\/100%\)[^(]*$/.exec(text)?.[1] ?? "-1"));
      if (percent <= told) return;
      told = percent;
      watcher.onProgress(`converting to ${toFormat}: ${String(percent)} %`);
    },
  }).catch((cause: unknown) => {
    watcher.signal.throwIfAborted();
    throw new MusterError("storage-failed", `the disk could not be converted to ${toFormat}`, {
      cause,
    });
  });
}
