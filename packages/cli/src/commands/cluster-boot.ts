/** `muster cluster boot` and `grow`. */
import { invalid, parseName, parseSize } from "@muster/model";
import { AdminService } from "@muster/proto/admin";
import type { DiskSpec, NicSpec, VmSpec } from "@muster/proto/types";
import type { Command } from "commander";
import type { ExitCode } from "../exit-codes.ts";
import { renderCluster } from "../render/virtual-cluster.ts";
import { callChange, whyOf, type ChangeOptions, type Session } from "../session.ts";
import { parseNetworkFlag } from "../spec/nic.ts";
import { completeSpec, given, type PartialVmSpec } from "../spec/partial-spec.ts";
import { parseDiskFlag, specOfFlags } from "../spec/spec-flags.ts";
import { decodeVirtualCluster } from "../view/virtual-cluster.ts";
import { required } from "../view/required.ts";
import type { WaitOptions } from "../wait/wait-for-operation.ts";
import { clusterOutcome } from "./cluster-outcome.ts";
import { finishOperation, showDryRun } from "./finish-operation.ts";
import { addChangeFlags, addWaitFlags, countOf, durationOf, example, repeated } from "./flags.ts";
import type { Run } from "./run.ts";
import { loadSpecFile } from "./spec-flags.ts";

interface ComputeFlags {
  readonly cpus?: number;
  readonly nodes?: number;
  readonly tolerate?: number;
}

interface BootOptions extends ComputeFlags, ChangeOptions, WaitOptions {
  readonly name?: string;
  readonly nodeCpus?: number;
  readonly frontendCpus?: number;
  readonly memory?: string;
  readonly disk?: readonly DiskSpec[];
  readonly network?: readonly NicSpec[];
  readonly kernel?: string;
  readonly initrd?: string;
  readonly cmdline?: string;
  readonly frontendFile?: string;
  readonly computeFile?: string;
  /** Seconds. */
  readonly lease?: number;
  /** Milliseconds. */
  readonly warn?: number;
}

/** What guests of virtual clusters have always had. */
const MEMORY_DEFAULT = "2G";
const SECONDS_A_DAY = 86_400;

const addComputeFlags = (command: Command): Command =>
  command
    .option(
      "--cpus <n>",
      "CPUs of all computes together: one compute to a host, the host with the most free CPUs first",
      countOf("--cpus"),
    )
    .option("--nodes <n>", "computes of equal size, on different hosts first", countOf("--nodes"))
    .option("--tolerate <n>", "give up so many computes rather than all", countOf("--tolerate"));

export function addClusterBoot(cluster: Command, run: Run): void {
  addWaitFlags(addChangeFlags(addComputeFlags(cluster.command("boot"))))
    .argument("[image]", "what disks start from: the base of the first disk")
    .description("boot a frontend and computes on a VLAN of their own: all of them, or nothing")
    .option("--name <name>", "of the cluster (default: by reverse DNS of its public address)")
    .option("--node-cpus <n>", "CPUs of each compute, with --nodes", countOf("--node-cpus"))
    .option("--frontend-cpus <n>", "CPUs of the frontend (default: 1)", countOf("--frontend-cpus"))
    .option("--memory <size>", "of each member, or FRONTEND:COMPUTE: 2G, 4G:8G (default: 2G)")
    .option(
      "--disk <storage=NAME,size=SIZE[,base=VOLUME]>",
      "a disk of each member; repeat for more",
      repeated(parseDiskFlag),
    )
    .option(
      "--network <NAME[,...]>",
      "one more NIC for each member, behind private and public; repeat for more",
      repeated(parseNetworkFlag),
    )
    .option("--kernel <path>", "boot this kernel directly (path on the host)")
    .option("--initrd <path>", "initial ramdisk for --kernel")
    .option("--cmdline <text>", "kernel command line for --kernel")
    .option("--frontend-file <path>", "a VM spec the frontend is made from; flags win over it")
    .option("--compute-file <path>", "a VM spec computes are made from; flags win over it")
    .option("--lease <duration>", "shut the cluster down and clean it then: 8h, 30d", parseLease)
    .option(
      "--warn <duration>",
      "tell so long before that (default: a tenth of the lease, an hour at most)",
      durationOf("--warn"),
    )
    .addHelpText(
      "after",
      example(
        "muster cluster boot wa-dock --cpus 16 --disk storage=shared,size=20G --lease 8h",
        "muster cluster boot wa-dock --nodes 4 --node-cpus 2 --memory 4G:8G --name lab --dry-run",
      ),
    )
    .action((image: string | undefined, options: BootOptions, command: Command) =>
      run(command, (session) => bootCluster(session, image ?? "", options)),
    );
}

export function addClusterGrow(cluster: Command, run: Run): void {
  addWaitFlags(addChangeFlags(addComputeFlags(cluster.command("grow"))))
    .argument("<cluster>", "name")
    .description("add computes: all of them, or none")
    .addHelpText("after", example("muster cluster grow pc-171 --nodes 2"))
    .action((name: string, options: ComputeFlags & ChangeOptions & WaitOptions, command: Command) =>
      run(command, (session) => growCluster(session, name, options)),
    );
}

/** "90s", "8h", "30d": seconds. */
export function parseLease(text: string): number {
  const days = /^(\d{1,3})d$/.exec(text.trim());
  if (days !== null) return Number(days[1]) * SECONDS_A_DAY;
  return Math.ceil(durationOf("--lease")(text) / 1_000);
}

/** "2G", "4G:8G". */
export function parseMemoryPair(text: string): readonly [bigint, bigint] {
  const [frontend = "", compute = frontend, more] = text.split(":");
  if (more !== undefined) throw invalid("--memory", `"${text}"`, "write 2G or FRONTEND:COMPUTE");
  return [parseSize(frontend, "--memory"), parseSize(compute, "--memory")];
}

/** The file, then what the flags say; the image is what the first disk starts from unless that says otherwise. */
async function templateOf(
  session: Session,
  options: BootOptions,
  member: {
    readonly role: "frontend" | "compute";
    readonly file: string | undefined;
    readonly image: string;
    readonly cpus: number | undefined;
  },
): Promise<VmSpec> {
  const { role, file, image, cpus } = member;
  const stored: PartialVmSpec =
    file === undefined ? {} : await loadSpecFile(file, session.surroundings.stdin);
  const { disk, network, kernel, initrd, cmdline, memory } = options;
  const flags = specOfFlags({
    ...given({ cpus, disk, network, kernel, initrd, cmdline }),
  });
  const [frontendBytes, computeBytes] = parseMemoryPair(memory ?? MEMORY_DEFAULT);
  const memoryBytes = role === "frontend" ? frontendBytes : computeBytes;
  const asked = memory === undefined ? {} : { memoryBytes };
  const spec = completeSpec([{ memoryBytes }, stored, flags, asked, { name: role }]);
  const [first, ...others] = spec.disks;
  if (image === "") return spec;
  if (first === undefined) {
    throw invalid("--disk", `is required: ${image} goes on it`, "--disk storage=shared,size=20G");
  }
  const base = first.baseVolume === "" ? image : first.baseVolume;
  return { ...spec, disks: [{ ...first, baseVolume: base }, ...others] };
}

async function bootCluster(
  session: Session,
  image: string,
  options: BootOptions,
): Promise<ExitCode> {
  const { frontendFile, computeFile, frontendCpus, nodeCpus } = options;
  const frontend = await templateOf(session, options, {
    ...{ role: "frontend", file: frontendFile, image, cpus: frontendCpus },
  });
  const compute = await templateOf(session, options, {
    ...{ role: "compute", file: computeFile, image, cpus: nodeCpus },
  });
  const answer = await callChange(session, AdminService.bootVirtualCluster, {
    doing: `boot virtual cluster ${options.name ?? image}`,
    request: {
      name: options.name === undefined ? "" : parseName(options.name, "--name"),
      image,
      frontend,
      compute,
      cpusTotal: options.cpus ?? 0,
      computes: options.nodes ?? 0,
      tolerate: options.tolerate ?? 0,
      leaseSeconds: options.lease ?? 0,
      leaseWarnSeconds: options.warn === undefined ? 0 : Math.ceil(options.warn / 1_000),
      why: whyOf(options, session),
    },
  });
  const { explanation } = answer;
  const cluster = decodeVirtualCluster(required(answer.cluster, "cluster"));
  if (options.dryRun === true) {
    const shown = renderCluster(cluster, session.surroundings.clock.wall(), (text) => text);
    const lines = [`would boot virtual cluster ${cluster.name}:`, ...shown.trimEnd().split("\n")];
    return showDryRun(session, [...lines, "", ...explanation], { cluster, explanation });
  }
  return finishOperation(session, {
    operation: answer.operation,
    options,
    data: { explanation, name: cluster.name },
    outcome: () => clusterOutcome(session, cluster.name),
  });
}

async function growCluster(
  session: Session,
  name: string,
  options: ComputeFlags & ChangeOptions & WaitOptions,
): Promise<ExitCode> {
  const answer = await callChange(session, AdminService.growVirtualCluster, {
    doing: `grow virtual cluster ${name}`,
    request: {
      name: parseName(name, "cluster"),
      cpusTotal: options.cpus ?? 0,
      computes: options.nodes ?? 0,
      tolerate: options.tolerate ?? 0,
      why: whyOf(options, session),
    },
  });
  const { explanation } = answer;
  if (options.dryRun === true) {
    return showDryRun(session, [`would add to ${name}:`, ...explanation], { explanation });
  }
  return finishOperation(session, {
    operation: answer.operation,
    options,
    data: { explanation },
    outcome: () => clusterOutcome(session, name),
  });
}
