/** Whole, legal model values for property tests: numbers and texts within what the wire accepts. */
import * as fc from "fast-check";
import { errorCodes, type ErrorCode, type ErrorDetail } from "../errors.ts";
import {
  commandIdOf,
  operationIdFrom,
  parseClusterId,
  parseVmId,
  type ClusterId,
  type CommandId,
  type VmId,
} from "../ids.ts";
import type { NetworkObservation, NetworkSpec } from "../network.ts";
import { MTU_MAX_BYTES, MTU_MIN_BYTES } from "../network.ts";
import type { MigrationStats } from "../operation.ts";
import { MIB } from "../sizes.ts";
import {
  vmStates,
  type DiskSpec,
  type KernelBoot,
  type NicSpec,
  type VmObservation,
  type VmSpec,
  type VmUsage,
} from "../vm.ts";

/** Like fc.record, with ordinary objects, so that they compare equal to decoded ones. */
export const plainRecord = <Model>(model: {
  [Key in keyof Model]: fc.Arbitrary<Model[Key]>;
}): fc.Arbitrary<Model> => fc.record<Model>(model, { noNullPrototype: true });

export const anyUint32: fc.Arbitrary<number> = fc.oneof(
  fc.nat({ max: 100 }),
  fc.nat({ max: 4_294_967_295 }),
);
/** A number that may not be 0: generations, protocol versions. */
export const anyPositiveUint32: fc.Arbitrary<number> = fc.integer({ min: 1, max: 4_294_967_295 });
export const anyUint64: fc.Arbitrary<bigint> = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
export const anyText: fc.Arbitrary<string> = fc.string({ unit: "grapheme", maxLength: 40 });
/** A line without control characters that is not empty. */
export const anyLine: fc.Arbitrary<string> = fc.string({
  unit: fc.constantFrom(..."abcXYZ019 .:/=äß漢-"),
  minLength: 1,
  maxLength: 40,
});

export const anyName: fc.Arbitrary<string> = fc.stringMatching(
  /^[a-z0-9]([a-z0-9.-]{0,12}[a-z0-9])?$/,
);
export const anyVmId: fc.Arbitrary<VmId> = fc.uuid().map(parseVmId);
export const anyClusterId: fc.Arbitrary<ClusterId> = fc.uuid().map(parseClusterId);
export const anyCommandId: fc.Arbitrary<CommandId> = fc
  .tuple(fc.nat({ max: 1_000_000 }), fc.stringMatching(/^[a-z0-9-]{1,20}$/), fc.nat({ max: 999 }))
  .map(([operation, step, attempt]) => commandIdOf(operationIdFrom(operation), step, attempt));

/** Unicast: the lowest bit of the first octet is clear. */
export const anyMac: fc.Arbitrary<string> = fc
  .uint8Array({ minLength: 6, maxLength: 6 })
  .map((octets) =>
    [...octets]
      .map((octet, index) => (index === 0 ? octet & 0xfe : octet).toString(16).padStart(2, "0"))
      .join(":"),
  );

/** A record without the keys that are undefined, as `exactOptionalPropertyTypes` wants it. */
export const optional = <Key extends string, Value>(
  key: Key,
  value: fc.Arbitrary<Value>,
): fc.Arbitrary<Partial<Record<Key, Value>>> =>
  fc.option(value, { nil: undefined }).map((chosen): Partial<Record<Key, Value>> => {
    const record: Partial<Record<Key, Value>> = {};
    if (chosen !== undefined) record[key] = chosen;
    return record;
  });

const anyDisk: fc.Arbitrary<DiskSpec> = fc
  .tuple(
    plainRecord({ storage: anyName, sizeBytes: fc.bigInt({ min: 2048n, max: 1n << 36n }) }),
    optional("baseVolume", fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._+-]{0,20}$/)),
  )
  .map(([disk, base]) => ({ ...disk, sizeBytes: disk.sizeBytes * 512n, ...base }));

const anyNics: fc.Arbitrary<NicSpec[]> = fc.uniqueArray(
  plainRecord({ network: anyName, mac: anyMac }),
  { maxLength: 16, selector: (nic) => nic.mac },
);

const anyPath: fc.Arbitrary<string> = fc.stringMatching(/^(\/[a-z0-9_-]{1,8}){1,4}$/);

const anyKernel: fc.Arbitrary<KernelBoot> = plainRecord({
  kernelPath: anyPath,
  initrdPath: fc.oneof(fc.constant(""), anyPath),
  commandLine: fc.oneof(fc.constant(""), anyLine),
});

const anyMachineWord = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,20}$/);

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
  )
  .map(([spec, kernel, cpuModel, machineType]) => ({
    ...spec,
    ...kernel,
    ...cpuModel,
    ...machineType,
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

export const anyNetworkSpec: fc.Arbitrary<NetworkSpec> = plainRecord({
  name: anyName,
  vlan: fc.integer({ min: 1, max: 4094 }),
  mtu: fc.integer({ min: MTU_MIN_BYTES, max: MTU_MAX_BYTES }),
  hosts: fc.uniqueArray(anyName, { maxLength: 5 }),
});

export const anyNetworkObservation: fc.Arbitrary<NetworkObservation> = plainRecord({
  name: anyName,
  state: fc.constantFrom("ready" as const, "failed" as const),
  message: anyText,
  vlan: fc.nat({ max: 4095 }),
  driver: fc.constantFrom("openvswitch", "linux-bridge", "simulated"),
  bridge: anyName,
});

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
