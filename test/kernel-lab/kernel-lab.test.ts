/** The kernel lab itself: it runs our bundles on a kernel that has what the network drivers need. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleForKernelLab, runInKernelLab } from "./kernel-lab.ts";

describe("kernel lab", () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "muster-kernel-lab-test-"));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  async function module(text: string): Promise<string> {
    const bundle = join(directory, `${crypto.randomUUID()}.mjs`);
    await writeFile(bundle, text);
    return bundle;
  }

  it("filters VLANs on a bridge, tags them on a wire, and has bonds, dummies and tunnels", async () => {
    const bundle = await bundleForKernelLab(
      join(import.meta.dirname, "kernel-job.ts"),
      join(directory, "job.mjs"),
    );
    const { exitCode, log } = await runInKernelLab({
      bundle,
      args: ["two words", "it's"],
      env: { JOB_WORD: "$x" },
    });
    expect(log).toContain(`all done on ${process.version}: two words|it's $x\n`);
    expect(exitCode).toBe(0);
  });

  it("gives the program's exit code and what it said before it failed", async () => {
    const bundle = await module(`console.log("so far"); throw new Error("no further");`);
    const { exitCode, log } = await runInKernelLab({ bundle });
    expect(exitCode).toBe(1);
    expect(log).toMatch(/^so far$/m);
    expect(log).toContain("Error: no further");
  });

  it("ends a program that takes too long, and says how far it was", async () => {
    const bundle = await module(`console.log("waiting"); setInterval(() => undefined, 1000);`);
    const running = runInKernelLab({ bundle, timeoutMs: 8_000 });
    await expect(running).rejects.toThrow(/no result within 8000 ms; its log ends with:\nwaiting/);
  });
});
