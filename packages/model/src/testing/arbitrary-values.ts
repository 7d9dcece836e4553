/** Whole, legal model values for property tests: numbers and texts within what the wire accepts. */
import * as fc from "fast-check";
import { errorCodes, type ErrorCode, type ErrorDetail } from "../errors.ts";
import type { HaPolicy } from "../ha.ts";
import {
  commandIdOf,
  operationIdFrom,
  parseClusterId,
  parseVmId,
  type ClusterId,
  type CommandId,
  type VmId,
} from "../ids.ts";
import type { MigrationStats } from "../operation.ts";
import { MIB } from "../sizes.ts";
import {
  vmStates,
  type DiskSpec,
  type KernelBoot,
  type VmObservation,
  type VmSpec,
  type VmUsage,
} from "../vm.ts";
import {
  anyLine,
  anyMac,
  anyName,
  anyText,
  anyUint32,
  anyUint64,
  optional,
  plainRecord,
} from "./arbitrary-basics.ts";
import { anyNics } from "./arbitrary-networks.ts";

export const anyVmId: fc.Arbitrary<VmId> = fc.uuid().map(parseVmId);
export const anyClusterId: fc.Arbitrary<ClusterId> = fc.uuid().map(parseClusterId);
export const anyCommandId: fc.Arbitrary<CommandId> = fc
  .tuple(fc.nat({ max: 1_000_000 }), fc.stringMatching(/^[a-z0-9-]{1,20}$/), fc.nat({ max: 999 }))
  .map(([operation, step, attempt]) => commandIdOf(operationIdFrom(operation), step, attempt));

const anyDisk: fc.Arbitrary<DiskSpec> = fc
  .tuple(
    plainRecord({ storage: anyName, sizeBytes: fc.bigInt({ min: 2048n, max: 1n << 36n }) }),
    optional("baseVolume", fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._+-]{0,20}$/)),
  )
  .map(([disk, base]) => ({ ...disk, sizeBytes: disk.sizeBytes * 512n, ...base }));

const anyPath: fc.Arbitrary<string> = fc.stringMatching(/^(\/[a-z0-9_-]{1,8}){1,4}$/);

const anyKernel: fc.Arbitrary<KernelBoot> = plainRecord({
  kernelPath: anyPath,
  initrdPath: fc.oneof(fc.constant(""), anyPath),
  commandLine: fc.oneof(fc.constant(""), anyLine),
});

const anyMachineWord = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,20}$/);

const anyHaPolicy: fc.Arbitrary<HaPolicy> = fc.oneof(
  plainRecord({
    restart: fc.constant("never" as const),
    autostart: fc.boolean(),
    ...haNumbers(),
  }),
  plainRecord({
    restart: fc.constantFrom("on-failure" as const, "always" as const),
    autostart: fc.constant(false),
    ...haNumbers(),
  }),
);

function haNumbers() {
  return {
    priority: fc.integer({ min: 0, max: 1_000 }),
    restartsMax: fc.integer({ min: 1, max: 100 }),
    windowMs: fc.integer({ min: 1, max: 86_400 }).map((seconds) => seconds * 1_000),
    isolation: fc.constantFrom("stop" as const, "run" as const),
  };
}

export const anyVmSpec: fc.Arbitrary<VmSpec> = fc
  .tuple(
    plainRecord({
      name: anyName,
      cpus: fc.integer({ min: 1, max: 512 }),
      memoryBytes: fc.bigInt({ min: 16n, max: 1n << 26n }).map((mebibytes) => mebibytes * MIB),
      disks: fc.array(anyDisk, { maxLength: 4 }),
      nics: anyNics,
      antiAffinityGroups: fc.uniqueArray(anyName, { maxLength: 4 }),
    }),
    optional("kernel", anyKernel),
    optional("cpuModel", anyMachineWord),
    optional("machineType", anyMachineWord),
    optional("ha", anyHaPolicy),
  )
  .map(([spec, kernel, cpuModel, machineType, ha]) => ({
    ...spec,
    ...kernel,
    ...cpuModel,
    ...machineType,
    ...ha,
  }));

const anyVmUsage: fc.Arbitrary<VmUsage> = plainRecord({
  cpuTimeNs: anyUint64,
  residentBytes: anyUint64,
  diskReadBytes: anyUint64,
  diskWriteBytes: anyUint64,
  diskReadRequests: anyUint64,
  diskWriteRequests: anyUint64,
  networkReceiveBytes: anyUint64,
  networkTransmitBytes: anyUint64,
});

export const anyVmObservation: fc.Arbitrary<VmObservation> = fc
  .tuple(
    plainRecord({
      id: anyVmId,
      name: anyText.map((name) => `n${name}`),
      state: fc.constantFrom(...vmStates),
      reason: anyText,
      managed: fc.boolean(),
      generation: anyUint32,
      cpus: anyUint32,
      memoryBytes: anyUint64,
      macs: fc.array(anyMac, { maxLength: 4 }),
      migrating: fc.boolean(),
      persistent: fc.boolean(),
    }),
    optional("usage", anyVmUsage),
  )
  .map(([vm, usage]) => ({ ...vm, ...usage }));

export const anyMigrationStats: fc.Arbitrary<MigrationStats> = plainRecord({
  processedBytes: anyUint64,
  remainingBytes: anyUint64,
  totalBytes: anyUint64,
  bytesPerSecond: anyUint64,
  iteration: anyUint32,
  dirtyBytesPerSecond: anyUint64,
  downtimeMs: anyUint32,
  elapsedMs: anyUint32,
});

export const anyErrorDetail: fc.Arbitrary<ErrorDetail> = plainRecord({
  code: fc.constantFrom(...(Object.keys(errorCodes) as ErrorCode[])),
  message: anyText,
  cause: anyText,
  hint: anyText,
  reasons: fc.array(anyText, { maxLength: 5 }),
});
