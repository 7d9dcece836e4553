/** What a lab would leave on the machine if its `down` were not thorough. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { isGone } from "./command.ts";

interface RunningProcess {
  readonly pid: number;
  /** Identity of its network namespace. */
  readonly network: string;
  readonly command: string;
}

function orNothing(read: () => string): string {
  try {
    return read();
  } catch (error) {
    // It has ended meanwhile, or is not ours to look at: then it is none of the lab's, which are root's.
    const isForeign = error instanceof Error && "code" in error && error.code === "EACCES";
    if (isGone(error) || isForeign) return "";
    throw error;
  }
}

function processes(): readonly RunningProcess[] {
  const pids = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
  return pids.map((pid) => ({
    pid: Number(pid),
    network: orNothing(() => readlinkSync(`/proc/${pid}/ns/net`)),
    command: orNothing(() => readFileSync(`/proc/${pid}/cmdline`, "utf8")).replaceAll("\0", " "),
  }));
}

/** Processes other than this one whose command line names a file of the lab. */
const namesLab = (directory: string) => (running: RunningProcess) =>
  running.pid !== process.pid && running.command.includes(directory);

/** The network namespaces of a lab that is up: those of processes that name it, but not our own. */
export function namespacesOf(directory: string): ReadonlySet<string> {
  const own = readlinkSync("/proc/self/ns/net");
  const networks = processes()
    .filter(namesLab(directory))
    .map(({ network }) => network);
  return new Set(networks.filter((network) => network !== own && network !== ""));
}

/** Processes that name the lab or are in one of its namespaces, its mounts, its files: a line for each. */
export function leftovers(directory: string, namespaces: ReadonlySet<string>): readonly string[] {
  const left = processes().filter(
    (running) => namesLab(directory)(running) || namespaces.has(running.network),
  );
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return [
    ...left.map(({ pid, command }) => `process ${pid}: ${command}`),
    ...mounts.filter((line) => line.includes(directory)).map((line) => `mount ${line}`),
    ...(existsSync(directory) ? [`directory ${directory}`] : []),
  ];
}
