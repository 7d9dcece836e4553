/** Arbitrary and fixed definitions for the tests of this folder and the contract suite. */
import {
  MIB,
  parseClusterId,
  parseVmId,
  type ClusterId,
  type DiskSpec,
  type NicSpec,
  type VmId,
  type VmSpec,
} from "@muster/model";
import type { NicAttachment } from "../../networks/network-driver.ts";
import type { VmDefinition } from "../hypervisor.ts";

export const sampleClusterId: ClusterId = parseClusterId("c0ffee00-0000-4000-8000-000000000001");

/** The n-th VM of a test. */
export const sampleVmId = (number: number): VmId =>
  parseVmId(`5a5a0000-0000-4000-8000-${number.toString(16).padStart(12, "0")}`);

export const sampleMac = (number: number): string =>
  `52:54:00:0a:${Math.floor(number / 256)
    .toString(16)
    .padStart(2, "0")}:${(number % 256).toString(16).padStart(2, "0")}`;

export interface SampleOptions {
  readonly number?: number;
  readonly name?: string;
  readonly disks?: readonly DiskSpec[];
  readonly nics?: readonly NicSpec[];
  readonly attachments?: readonly NicAttachment[];
  readonly memoryBytes?: bigint;
  readonly kernel?: VmSpec["kernel"];
  readonly generation?: number;
  readonly cpuModel?: string;
}

export function sampleDefinition(options: SampleOptions = {}): VmDefinition {
  const number = options.number ?? 1;
  const nics = options.nics ?? [];
  const spec: VmSpec = {
    name: options.name ?? `sample-${String(number)}`,
    cpus: 1,
    memoryBytes: options.memoryBytes ?? 128n * MIB,
    disks: options.disks ?? [],
    nics,
    antiAffinityGroups: [],
    ...(options.kernel === undefined ? {} : { kernel: options.kernel }),
    ...(options.cpuModel === undefined ? {} : { cpuModel: options.cpuModel }),
  };
  return {
    vmId: sampleVmId(number),
    spec,
    clusterId: sampleClusterId,
    generation: options.generation ?? 1,
    operationId: "op-000001",
    attachments:
      options.attachments ?? nics.map((nic) => ({ kind: "simulated", network: nic.network })),
  };
}
