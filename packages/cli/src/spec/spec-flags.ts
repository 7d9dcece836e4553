/** A VM spec from flags. PURE. */
import { invalid, parseMac, parseName, parseSize } from "@muster/model";
import type { DiskSpec, NicSpec } from "@muster/proto/types";
import { nearest } from "./nearest.ts";
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
  readonly file?: string;
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
  });
}

/** True when any flag describes a VM. */
export const hasSpecFlags = (flags: SpecFlags): boolean =>
  flags.file !== undefined || Object.keys(specOfFlags(flags)).length > 0;

/** "storage=shared,size=1G,base=debian.qcow2" */
export function parseDiskFlag(text: string): DiskSpec {
  const pairs = parsePairs(text, "--disk", ["storage", "size", "base"]);
  const storage = pairs.get("storage");
  const size = pairs.get("size");
  if (storage === undefined || size === undefined) {
    throw invalid("--disk", `"${text}" lacks storage or size`, "write storage=NAME,size=1G");
  }
  return {
    storage: parseName(storage, "--disk storage"),
    sizeBytes: parseSize(size, "--disk size"),
    baseVolume: pairs.get("base") ?? "",
  };
}

/** "blue" or "blue,mac=52:54:00:00:00:01" */
export function parseNetworkFlag(text: string): NicSpec {
  const [name = "", ...rest] = text.split(",");
  const network = parseName(name.replace(/^network=/, ""), "--network");
  const mac = parsePairs(rest.join(","), "--network", ["mac"]).get("mac") ?? "";
  return { network, mac: mac === "" ? "" : parseMac(mac, "--network mac") };
}

function parsePairs(
  text: string,
  flag: string,
  known: readonly string[],
): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  for (const pair of text === "" ? [] : text.split(",")) {
    const at = pair.indexOf("=");
    if (at < 0) throw invalid(flag, `"${pair}" is not name=value`, `known: ${known.join(", ")}`);
    const name = pair.slice(0, at);
    if (!known.includes(name)) {
      const meant = nearest(name, known);
      const hint = meant === undefined ? `known: ${known.join(", ")}` : `did you mean "${meant}"?`;
      throw invalid(flag, `unknown part "${name}"`, hint);
    }
    if (pairs.has(name)) throw invalid(flag, `"${name}" is given twice`);
    pairs.set(name, pair.slice(at + 1));
  }
  return pairs;
}
