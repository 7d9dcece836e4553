import { describe, expect, it } from "vitest";
import { parseVmId } from "../ids.ts";
import { decodeErrorDetail, encodeErrorDetail } from "./error-detail.ts";
import { decodeHostLoad, encodeHostLoad } from "./host.ts";
import { decodeMigrationStats, encodeMigrationStats } from "./migration-stats.ts";
import { decodeVmId, encodeVmId } from "./vm-id.ts";
import { encodeVmObservation } from "./vm-observation.ts";

describe("what hosts measure", () => {
  it("is sent even when the source says -1 or fractions", () => {
    const stats = encodeMigrationStats({
      processedBytes: -1n,
      remainingBytes: 1n << 70n,
      totalBytes: 1n,
      bytesPerSecond: 0n,
      iteration: 1.4,
      dirtyBytesPerSecond: 0n,
      downtimeMs: Number.NaN,
      elapsedMs: 1e12,
    });
    expect(decodeMigrationStats(stats, "migration")).toMatchObject({
      processedBytes: 0n,
      remainingBytes: (1n << 64n) - 1n,
      iteration: 1,
      downtimeMs: 0,
      elapsedMs: 4_294_967_295,
    });
    const load = encodeHostLoad({
      load1m: -0.1,
      memoryAvailableBytes: -5n,
      cpuUsedRatio: 1.000001,
    });
    expect(load).toStrictEqual({
      load1m: 0,
      memoryAvailableBytes: 0n,
      cpuUsedRatio: 1,
      pressure: undefined,
    });
  });

  it("is refused when it is not a number", () => {
    const load = {
      load1m: Number.NaN,
      memoryAvailableBytes: 0n,
      cpuUsedRatio: 0,
      pressure: undefined,
    };
    expect(() => decodeHostLoad(load, "load")).toThrow("load.load1m: NaN is not a number");
    expect(() => decodeHostLoad({ ...load, load1m: 0, cpuUsedRatio: 2 }, "load")).toThrow(
      "load.cpuUsedRatio: 2 is not a number from 0 to 1",
    );
  });

  it("keeps wild VMs with strange names", () => {
    const vm = encodeVmObservation({
      id: parseVmId("00000000-0000-4000-8000-000000000001"),
      name: "Ein Name mit Leerzeichen & <Klammern>",
      state: "running",
      reason: "booted",
      managed: false,
      generation: 0,
      cpus: -1,
      memoryBytes: 1n,
      macs: [],
      migrating: false,
      persistent: true,
    });
    expect(vm.cpus).toBe(0);
    expect(vm.name).toContain("<Klammern>");
  });
});

describe("VM ids", () => {
  it("are 16 bytes", () => {
    const id = parseVmId("00112233-4455-6677-8899-aabbccddeeff");
    expect(decodeVmId(encodeVmId(id), "uuid")).toBe(id);
    expect(() => decodeVmId(new Uint8Array(15), "vm.uuid")).toThrow(
      "vm.uuid: a UUID has 16 bytes, not 15",
    );
  });
});

describe("errors", () => {
  const detail = { code: "timeout", message: "m", cause: "", hint: "", reasons: [] } as const;

  it("of a newer program keep their words", () => {
    const decoded = decodeErrorDetail({ ...detail, code: "brand-new", reasons: ["r"] }, "error");
    expect(decoded.code).toBe("internal");
    expect(decoded.message).toBe('m (error code "brand-new")');
    expect(decoded.reasons).toStrictEqual(["r"]);
  });

  it("need a code", () => {
    expect(() => decodeErrorDetail({ ...detail, code: "", reasons: [] }, "error")).toThrow(
      "error.code: is required",
    );
  });

  it("are cut to what the other side takes", () => {
    const long = encodeErrorDetail({
      ...detail,
      cause: "x".repeat(100_000),
      reasons: Array.from({ length: 20_000 }, () => "y".repeat(5000)),
    });
    const decoded = decodeErrorDetail(long, "error");
    expect(decoded.cause.endsWith("x…")).toBe(true);
    expect(decoded.reasons).toHaveLength(10_000);
  });
});
