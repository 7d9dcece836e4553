import { describe, expect, it } from "vitest";
import { measureFootprint } from "./measure.ts";
import { cpuSecondsReader, parseSmapsRollup, parseStatTicks, readMemory } from "./proc.ts";

describe("/proc", () => {
  it("tells memory", () => {
    const text = [
      "55e0c0a00000-7ffd1 ---p 00000000 00:00 0    [rollup]",
      "Rss:               54000 kB",
      "Pss:               24000 kB",
      "Private_Clean:      1000 kB",
      "Private_Dirty:     14000 kB",
    ].join("\n");
    expect(parseSmapsRollup(text)).toStrictEqual({
      residentBytes: 54_000 * 1024,
      privateBytes: 15_000 * 1024,
      proportionalBytes: 24_000 * 1024,
    });
    expect(() => parseSmapsRollup("")).toThrow("smaps_rollup has no Rss");
    expect(readMemory(process.pid).residentBytes).toBeGreaterThan(10_000_000);
  });

  it("tells CPU time, whatever the program is called", () => {
    const stat = "42 (a) b (c)) S 1 42 42 0 -1 4194560 100 0 0 0 250 150 0 0 20 0 11 0 5 6 7";
    expect(parseStatTicks(stat)).toBe(400);
    expect(() => parseStatTicks("nonsense")).toThrow("stat is odd");
    expect(cpuSecondsReader(process.pid)()).toBeGreaterThan(0);
  });
});

describe("a program's footprint", () => {
  const request = { readyTimeoutMs: 10_000, settleMs: 0, windowMs: 200 };

  it("is measured from the moment it is ready", async () => {
    const program = 'console.log("ready now"); setInterval(() => {}, 1000)';
    const footprint = await measureFootprint({
      ...request,
      command: [process.execPath, "-e", program],
      ready: { line: /^ready now$/m },
    });
    expect(footprint.startUpMs).toBeGreaterThan(1);
    expect(footprint.residentBytes).toBeGreaterThan(footprint.privateBytes);
    expect(footprint.cpuShare).toBeLessThan(1);
  });

  it("is refused when the program ends first", async () => {
    const command = [
      process.execPath,
      "-e",
      'console.error("no config"); process.exit(3)',
    ] as const;
    await expect(
      measureFootprint({ ...request, command: [...command], ready: { line: /never/ } }),
    ).rejects.toThrow(/ended before it was ready:\nno config/);
  });
});
