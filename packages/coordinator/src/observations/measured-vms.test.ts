import { GIB, type VmUsage } from "@muster/model";
import { describe, expect, it } from "vitest";
import { hostIdOf, seen, vmIdOf } from "../testing/builders.ts";
import { MeasuredVms } from "./measured-vms.ts";

const usage = (cpuSeconds: number, residentBytes = GIB): VmUsage => ({
  cpuTimeNs: BigInt(Math.round(cpuSeconds * 1e9)),
  residentBytes,
  diskReadBytes: 0n,
  diskWriteBytes: 0n,
  diskReadRequests: 0n,
  diskWriteRequests: 0n,
  networkReceiveBytes: 0n,
  networkTransmitBytes: 0n,
});

const [h1, h2, vm] = [hostIdOf(1), hostIdOf(2), vmIdOf(1)];

function told(measured: MeasuredVms, host: typeof h1, at: readonly [number, VmUsage]): void {
  const [seconds, counters] = at;
  measured.reported(host, [seen(1, { cpus: 4, usage: counters })], seconds * 1_000);
}

describe("what a VM uses", () => {
  it("is known after two reports, and in steps", () => {
    const measured = new MeasuredVms();
    told(measured, h1, [0, usage(0)]);
    expect(measured.get(vm, h1)).toBeUndefined();
    told(measured, h1, [10, usage(11)]);
    expect(measured.get(vm, h1)).toStrictEqual({ cpus: 1, memoryBytes: GIB });
  });

  it("does not change with noise, nor with a report that does not speak of it", () => {
    const measured = new MeasuredVms();
    told(measured, h1, [0, usage(0)]);
    const last = usage(10);
    told(measured, h1, [10, last]);
    const first = measured.get(vm, h1);
    told(measured, h1, [20, last]);
    expect(measured.get(vm, h1)).toBe(first);
    told(measured, h1, [30, usage(32, GIB + 5n)]);
    expect(measured.get(vm, h1)).toBe(first);
  });

  it("follows a lasting change slowly", () => {
    const measured = new MeasuredVms();
    told(measured, h1, [0, usage(0)]);
    told(measured, h1, [10, usage(0)]);
    expect(measured.get(vm, h1)?.cpus).toBe(0);
    for (let seconds = 20; seconds <= 1_800; seconds += 10) {
      told(measured, h1, [seconds, usage((seconds - 10) * 4)]);
      if (seconds === 100) expect(measured.get(vm, h1)?.cpus).toBeLessThan(1);
    }
    expect(measured.get(vm, h1)?.cpus).toBeGreaterThan(3.5);
  });

  it("moves with the VM, whose counters begin anew, and is forgotten with its host", () => {
    const measured = new MeasuredVms();
    told(measured, h1, [0, usage(100)]);
    told(measured, h1, [10, usage(120)]);
    expect(measured.get(vm, h1)?.cpus).toBe(2);
    told(measured, h2, [20, usage(1)]);
    measured.reported(h1, [], 21_000);
    expect(measured.get(vm, h2)?.cpus).toBe(2);
    told(measured, h2, [30, usage(21)]);
    expect(measured.get(vm, h2)?.cpus).toBe(2);
    measured.forget(h2);
    expect(measured.get(vm, h2)).toBeUndefined();
  });
});
