/** A VM spec from flags. PURE. */
import { invalid, parseName, parseSize } from "@muster/model";
import type { DiskSpec, HaPolicy, NicSpec, VmSpec } from "@muster/proto/types";
import { parsePairs } from "./pairs.ts";
import { given, type PartialVmSpec } from "./partial-spec.ts";

/** As commander hands them over, already parsed. */
export interface SpecFlags {
  readonly cpus?: number;
  readonly memory?: bigint;
  readonly disk?: readonly DiskSpec[];
  readonly network?: readonly NicSpec[];
  readonly kernel?: string;
  readonly initrd?: string;
  readonly cmdline?: string;
  readonly antiAffinity?: readonly string[];
  readonly cpuModel?: string;
  readonly machine?: string;
  readonly ha?: HaPolicy;
  readonly file?: string;
  /** Of the first disk. */
  readonly image?: string;
}

/** Flags as a partial spec. Throws `invalid` when --initrd or --cmdline come without --kernel. */
export function specOfFlags(flags: SpecFlags): PartialVmSpec {
  const { kernel, initrd, cmdline } = flags;
  if (kernel === undefined && (initrd !== undefined || cmdline !== undefined)) {
    throw invalid("--kernel", "is required with --initrd and --cmdline");
  }
  return given({
    cpus: flags.cpus,
    memoryBytes: flags.memory,
    disks: flags.disk,
    nics: flags.network,
    kernel:
      kernel === undefined
        ? undefined
        : { kernelPath: kernel, initrdPath: initrd ?? "", commandLine: cmdline ?? "" },
    antiAffinityGroups: flags.antiAffinity,
    cpuModel: flags.cpuModel,
    machineType: flags.machine,
    ha: flags.ha,
  });
}

/** `--image` for the first disk of a complete spec. */
export function withImage(spec: VmSpec, image: string | undefined): VmSpec {
  if (image === undefined) return spec;
  const [first, ...others] = spec.disks;
  if (first === undefined) {
    throw invalid("--image", "needs a disk to put it on", "--disk storage=NAME[,size=SIZE]");
  }
  return { ...spec, disks: [{ ...first, image }, ...others] };
}

/** True when any flag describes a VM. */
export const hasSpecFlags = (flags: SpecFlags): boolean =>
  flags.file !== undefined || Object.keys(specOfFlags(flags)).length > 0;

/** "storage=shared,size=1G,base=debian.qcow2", "storage=local,image=debian-13,mode=copy" */
export function parseDiskFlag(text: string): DiskSpec {
  const pairs = parsePairs(text, "--disk", ["storage", "size", "base", "image", "mode"]);
  const storage = pairs.get("storage");
  const size = pairs.get("size");
  const image = pairs.get("image");
  const imageMode = pairs.get("mode");
  // With an image it may be as large as that.
  if (storage === undefined || (size === undefined && image === undefined)) {
    throw invalid("--disk", `"${text}" lacks storage or size`, "write storage=NAME,size=1G");
  }
  return {
    storage: parseName(storage, "--disk storage"),
    sizeBytes: size === undefined ? 0n : parseSize(size, "--disk size"),
    baseVolume: pairs.get("base") ?? "",
    ...(image === undefined ? {} : { image }),
    ...(imageMode === undefined ? {} : { imageMode }),
  };
}
