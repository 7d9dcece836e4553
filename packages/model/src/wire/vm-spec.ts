/**
 * What a person wants of a VM. Everything wrong with it is found here, before anything is placed or written;
 * behind this door every VmSpec can be turned into a domain.
 */
import type * as pb from "@muster/proto/types";
import { invalid } from "../errors.ts";
import { parseName } from "../names.ts";
import { MIB, renderSize, TIB } from "../sizes.ts";
import { imageModes, seedFormats, type DiskSpec, type KernelBoot, type VmSpec } from "../vm.ts";
import { parseDigest } from "../image.ts";
import { decodeHaPolicy, encodeHaPolicy } from "./ha.ts";
import { fieldAt, readChoice, readCount, readLine, readList, refuseDuplicates } from "./fields.ts";
import { completeNic, decodeNicDrafts, encodeNic, type NicDraft } from "./nic.ts";

/** A VmSpec whose NICs may still lack MACs. */
export interface VmSpecDraft extends Omit<VmSpec, "nics"> {
  readonly nics: readonly NicDraft[];
}

/** libvirt and QEMU's q35 take more with extra devices only. */
export const VM_CPUS_MAX = 512;
/** Below this no kernel boots. */
export const VM_MEMORY_MIN_BYTES = 16n * MIB;
/** x86-64 with 46 address bits, the least among current servers. */
export const VM_MEMORY_MAX_BYTES = 64n * TIB;
/** q35 has 32 slots of which some are taken; libvirt adds root ports for so many. */
export const VM_DISKS_MAX = 32;
export const DISK_SIZE_MIN_BYTES = MIB;
export const DISK_SIZE_MAX_BYTES = 64n * TIB;
/** qcow2 and LVM round to sectors; a size that is not whole would come back different. */
const SECTOR_BYTES = 512n;
const GROUPS_MAX = 16;
/** COMMAND_LINE_SIZE of Linux on x86. */
const COMMAND_LINE_MAX = 2047;
const PATH_MAX = 4095;

/** Names of libvirt CPU models, machine types: "qemu64", "pc-q35-10.0". */
const MACHINE_WORD = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/;
/** One component of a path, so that a volume cannot point out of its storage. */
const VOLUME_NAME = /^[A-Za-z0-9_][A-Za-z0-9._+-]{0,199}$/;

/** Whole MiB: libvirt and huge pages count in larger units than bytes. */
function readMemory(bytes: bigint, field: string): bigint {
  if (bytes < VM_MEMORY_MIN_BYTES || bytes > VM_MEMORY_MAX_BYTES) {
    const [least, most] = [VM_MEMORY_MIN_BYTES, VM_MEMORY_MAX_BYTES].map(renderSize);
    throw invalid(field, `${renderSize(bytes)} is not within ${String(least)} to ${String(most)}`);
  }
  if (bytes % MIB !== 0n) {
    throw invalid(field, `${String(bytes)} bytes is not a whole number of MiB`);
  }
  return bytes;
}

function readDiskSize(bytes: bigint, field: string): bigint {
  if (bytes < DISK_SIZE_MIN_BYTES || bytes > DISK_SIZE_MAX_BYTES) {
    const [least, most] = [DISK_SIZE_MIN_BYTES, DISK_SIZE_MAX_BYTES].map(renderSize);
    throw invalid(field, `${renderSize(bytes)} is not within ${String(least)} to ${String(most)}`);
  }
  if (bytes % SECTOR_BYTES !== 0n) {
    throw invalid(field, `${String(bytes)} bytes is not a whole number of 512-byte sectors`);
  }
  return bytes;
}

/** Before its image is resolved, a disk names it as people do, and may leave its size to it. */
export interface DiskDraft extends DiskSpec {
  /** NAME, NAME:VERSION or a digest; a digest only in a complete spec. */
  readonly image?: string;
}

const IMAGE_REFERENCE = /^[A-Za-z0-9][A-Za-z0-9._+:-]{0,150}$/;

function readImage(wire: pb.DiskSpec, field: string): Pick<DiskDraft, "image" | "imageMode"> {
  const { image = "", imageMode = "", baseVolume } = wire;
  if (image === "") {
    if (imageMode !== "") throw invalid(fieldAt(field, "imageMode"), "needs an image");
    return {};
  }
  if (baseVolume !== "") {
    throw invalid(
      fieldAt(field, "image"),
      "a disk is made of an image or of a base volume, not both",
    );
  }
  if (!IMAGE_REFERENCE.test(image)) {
    const shown = JSON.stringify(image.slice(0, 80));
    throw invalid(
      fieldAt(field, "image"),
      `${shown} names no image`,
      "NAME, NAME:VERSION or a sha256",
    );
  }
  if (imageMode === "") return { image };
  return { image, imageMode: readChoice(imageMode, fieldAt(field, "imageMode"), imageModes) };
}

function decodeDisk(wire: pb.DiskSpec, field: string): DiskDraft {
  const baseField = fieldAt(field, "baseVolume");
  if (wire.baseVolume !== "" && !VOLUME_NAME.test(wire.baseVolume)) {
    throw invalid(
      baseField,
      `${JSON.stringify(wire.baseVolume.slice(0, 80))} is not the name of a volume`,
    );
  }
  return {
    storage: parseName(wire.storage, fieldAt(field, "storage")),
    sizeBytes:
      (wire.image ?? "") !== "" && wire.sizeBytes === 0n
        ? 0n
        : readDiskSize(wire.sizeBytes, fieldAt(field, "sizeBytes")),
    ...(wire.baseVolume === "" ? {} : { baseVolume: wire.baseVolume }),
    ...readImage(wire, field),
  };
}

function readPath(path: string, field: string): string {
  readLine(path, field, { min: 1, max: PATH_MAX });
  if (!path.startsWith("/"))
    throw invalid(field, `${JSON.stringify(path)} is not an absolute path`);
  if (path.split("/").includes("..")) throw invalid(field, "must not go up with ..");
  return path;
}

function decodeKernel(wire: pb.KernelBoot, field: string): KernelBoot {
  return {
    kernelPath: readPath(wire.kernelPath, fieldAt(field, "kernelPath")),
    initrdPath:
      wire.initrdPath === "" ? "" : readPath(wire.initrdPath, fieldAt(field, "initrdPath")),
    commandLine: readLine(wire.commandLine, fieldAt(field, "commandLine"), {
      max: COMMAND_LINE_MAX,
    }),
  };
}

function readMachineWord(text: string, field: string): string {
  if (!MACHINE_WORD.test(text)) {
    throw invalid(
      field,
      `${JSON.stringify(text.slice(0, 80))} has characters such names do not have`,
    );
  }
  return text;
}

/** `field` begins the path in refusals, "vm" gives "vm.cpus". Throws MusterError "invalid". */
export function decodeVmSpecDraft(wire: pb.VmSpec, field: string): VmSpecDraft {
  const at = (part: string): string => fieldAt(field, part);
  const groups = readList(
    wire.antiAffinityGroups,
    { field: at("antiAffinityGroups"), max: GROUPS_MAX },
    parseName,
  );
  refuseDuplicates(groups, at("antiAffinityGroups"));
  return {
    name: parseName(wire.name, at("name")),
    cpus: readCount(wire.cpus, at("cpus"), { min: 1, max: VM_CPUS_MAX }),
    memoryBytes: readMemory(wire.memoryBytes, at("memoryBytes")),
    disks: readList(wire.disks, { field: at("disks"), max: VM_DISKS_MAX }, decodeDisk),
    nics: decodeNicDrafts(wire.nics, at("nics")),
    antiAffinityGroups: groups,
    ...(wire.kernel === undefined ? {} : { kernel: decodeKernel(wire.kernel, at("kernel")) }),
    ...(wire.cpuModel === "" ? {} : { cpuModel: readMachineWord(wire.cpuModel, at("cpuModel")) }),
    ...(wire.machineType === ""
      ? {}
      : { machineType: readMachineWord(wire.machineType, at("machineType")) }),
    ...(wire.ha === undefined ? {} : { ha: decodeHaPolicy(wire.ha, at("ha")) }),
    ...(wire.context === undefined || wire.context === ""
      ? {}
      : { context: readChoice(wire.context, at("context"), seedFormats) }),
  };
}

/** The same for a spec whose MACs are allocated. Throws MusterError "invalid". */
export function decodeVmSpec(wire: pb.VmSpec, field: string): VmSpec {
  const draft = decodeVmSpecDraft(wire, field);
  const nicsField = fieldAt(field, "nics");
  for (const [index, disk] of draft.disks.entries()) {
    const diskField = fieldAt(fieldAt(field, "disks"), index);
    if (disk.image === undefined) continue;
    parseDigest(disk.image, fieldAt(diskField, "image"));
    readDiskSize(disk.sizeBytes, fieldAt(diskField, "sizeBytes"));
  }
  return {
    ...draft,
    nics: draft.nics.map((nic, index) => completeNic(nic, fieldAt(nicsField, index))),
  };
}

export function encodeVmSpec(spec: VmSpecDraft): pb.VmSpec {
  return {
    name: spec.name,
    cpus: spec.cpus,
    memoryBytes: spec.memoryBytes,
    disks: spec.disks.map(({ storage, sizeBytes, baseVolume = "", image, imageMode }) => ({
      storage,
      sizeBytes,
      baseVolume,
      ...(image === undefined ? {} : { image }),
      ...(imageMode === undefined ? {} : { imageMode }),
    })),
    nics: spec.nics.map(encodeNic),
    kernel: spec.kernel === undefined ? undefined : { ...spec.kernel },
    antiAffinityGroups: [...spec.antiAffinityGroups],
    cpuModel: spec.cpuModel ?? "",
    machineType: spec.machineType ?? "",
    ha: spec.ha === undefined ? undefined : encodeHaPolicy(spec.ha),
    ...(spec.context === undefined ? {} : { context: spec.context }),
  };
}
