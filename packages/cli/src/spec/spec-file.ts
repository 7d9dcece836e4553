/**
 * `-f FILE`: one VM spec in YAML or JSON. The short field names are for people; the long ones are those that
 * `muster vm show -o yaml` prints under `spec`, so what is shown can be given back. PURE.
 */
import { invalid, MusterError, parseName } from "@muster/model";
import type { DiskSpec, KernelBoot } from "@muster/proto/types";
import { parseDocument } from "yaml";
import { Fields, type Names } from "./fields.ts";
import { decodeNicField } from "./nic.ts";
import { readHa } from "./ha-flag.ts";
import { given, type PartialVmSpec } from "./partial-spec.ts";

/** A spec is a few hundred bytes; more is another file by mistake. */
export const SPEC_FILE_BYTES_MAX = 1024 * 1024;

const spec = {
  name: ["name"],
  cpus: ["cpus"],
  memory: ["memory", "memoryBytes"],
  disks: ["disks"],
  networks: ["networks", "nics"],
  kernel: ["kernel"],
  antiAffinity: ["antiAffinity", "antiAffinityGroups"],
  cpuModel: ["cpuModel"],
  machine: ["machine", "machineType"],
  ha: ["ha"],
} as const satisfies Record<string, Names>;

const disk = {
  storage: ["storage"],
  size: ["size", "sizeBytes"],
  base: ["base", "baseVolume"],
  image: ["image"],
  imageMode: ["mode", "imageMode"],
} as const satisfies Record<string, Names>;

const kernel = {
  path: ["path", "kernelPath"],
  initrd: ["initrd", "initrdPath"],
  cmdline: ["cmdline", "commandLine"],
} as const satisfies Record<string, Names>;

/** `source` names the file in messages. Throws `invalid` with the field that is wrong. */
export function parseSpecFile(text: string, source: string): PartialVmSpec {
  const value = parseYaml(text, source);
  try {
    return decodeSpec(value);
  } catch (error) {
    if (!(error instanceof MusterError)) throw error;
    const options = error.hint === undefined ? {} : { hint: error.hint };
    throw new MusterError(error.code, `in ${source}: ${error.message}`, {
      ...options,
      ...(error.cause === undefined ? {} : { cause: error.cause }),
    });
  }
}

/** Throws `invalid` when it is too large, or neither YAML nor JSON. */
export function parseYaml(text: string, source: string): unknown {
  if (Buffer.byteLength(text) > SPEC_FILE_BYTES_MAX) {
    throw invalid(source, "is larger than 1 MiB", "a spec is a few lines of YAML or JSON");
  }
  // JSON is YAML; whole numbers become bigint so that no size loses a bit.
  const document = parseDocument(text, { intAsBigInt: true });
  const [problem] = document.errors;
  if (problem !== undefined) {
    throw new MusterError("invalid", `${source} is neither YAML nor JSON`, { cause: problem });
  }
  try {
    // The limit stops a few lines of aliases from becoming gigabytes.
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw new MusterError("invalid", `${source} cannot be expanded`, { cause });
  }
}

function decodeSpec(value: unknown): PartialVmSpec {
  const fields = new Fields(value, "", Object.values(spec));
  return given({
    name: fields.text(spec.name),
    cpus: fields.count(spec.cpus),
    memoryBytes: fields.size(spec.memory),
    disks: fields.list(spec.disks, decodeDisk),
    nics: fields.list(spec.networks, decodeNicField),
    kernel: fields.object(spec.kernel, decodeKernel),
    antiAffinityGroups: fields.list(spec.antiAffinity, decodeName),
    cpuModel: fields.text(spec.cpuModel),
    machineType: fields.text(spec.machine),
    ha: fields.object(spec.ha, readHa),
  });
}

function decodeDisk(value: unknown, path: string): DiskSpec {
  const fields = new Fields(value, path, Object.values(disk));
  const sizeBytes = fields.size(disk.size);
  const image = fields.text(disk.image);
  const imageMode = fields.text(disk.imageMode);
  if (sizeBytes === undefined && image === undefined) {
    throw invalid(`${path}.size`, "is required");
  }
  const storage = parseName(fields.requiredText(disk.storage), `${path}.storage`);
  return {
    storage,
    sizeBytes: sizeBytes ?? 0n,
    baseVolume: fields.text(disk.base) ?? "",
    ...(image === undefined ? {} : { image }),
    ...(imageMode === undefined ? {} : { imageMode }),
  };
}

function decodeKernel(value: unknown, path: string): KernelBoot {
  const fields = new Fields(value, path, Object.values(kernel));
  return {
    kernelPath: fields.requiredText(kernel.path),
    initrdPath: fields.text(kernel.initrd) ?? "",
    commandLine: fields.text(kernel.cmdline) ?? "",
  };
}

function decodeName(value: unknown, path: string): string {
  if (typeof value !== "string") throw invalid(path, "must be text");
  return parseName(value, path);
}
