/** Runs `host-networks-job.ts` in the kernel lab. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleForKernelLab, runInKernelLab, type KernelLabResult } from "./kernel-lab.ts";

/** A configuration costs seconds; on a machine that is busy with other things ten times that. */
const TIMEOUT_MS = 280_000;

export interface HostNetworksRun {
  /** So many random configurations, from that one on. */
  readonly count: number;
  readonly first: number;
  /** Absent: the contract of network drivers with one bridge per VLAN comes first. */
  readonly withoutContract?: true;
}

export async function runHostNetworks(
  { count, first, withoutContract }: HostNetworksRun,
  timeoutMs = TIMEOUT_MS,
): Promise<KernelLabResult> {
  const directory = await mkdtemp(join(tmpdir(), "muster-host-networks-"));
  try {
    const bundle = await bundleForKernelLab(
      join(import.meta.dirname, "host-networks-job.ts"),
      join(directory, "job.mjs"),
    );
    const args = [
      String(count),
      String(first),
      ...(withoutContract === true ? ["without-contract"] : []),
    ];
    return await runInKernelLab({ bundle, args, timeoutMs });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
