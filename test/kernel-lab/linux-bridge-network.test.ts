/** The Linux bridge driver on a kernel with VLAN-aware bridges. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { bundleForKernelLab, runInKernelLab } from "./kernel-lab.ts";

/** A processor emulated in software on a machine that is busy: ten times what it takes on a quiet one is still no hang. */
const LIMIT_MS = 20 * 60_000;

it(
  "the Linux bridge driver keeps the contract of network drivers",
  { timeout: LIMIT_MS },
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "muster-linux-bridge-"));
    try {
      const bundle = await bundleForKernelLab(
        join(import.meta.dirname, "linux-bridge-network-job.ts"),
        join(directory, "job.mjs"),
      );
      const { exitCode, log } = await runInKernelLab({ bundle, timeoutMs: LIMIT_MS - 10_000 });
      const failures = log.split("\n").filter((line) => line.startsWith("not ok"));
      if (exitCode !== 0) console.error(log);
      expect(failures).toEqual([]);
      expect(exitCode).toBe(0);
      expect(log).toMatch(/# (\d+) of \1 cases passed/);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  },
);
