/**
 * Reads a cluster in the text format of Ganeti's htools into a planner snapshot, so that the same input can
 * be given to hbal or hail and to the planner. Only templates that live on shared storage can move.
 */
import { readFileSync } from "node:fs";
import type { GroupRule, HostSnapshot, Snapshot, VmSnapshot } from "@muster/planner";

export interface HtoolsCluster {
  readonly nodes: readonly HtoolsNode[];
  readonly instances: readonly HtoolsInstance[];
  readonly clusterTags: readonly string[];
}

export interface HtoolsNode {
  readonly name: string;
  readonly totalMiB: number;
  readonly nodeMiB: number;
  readonly freeMiB: number;
  readonly totalDiskMiB: number;
  readonly freeDiskMiB: number;
  readonly cpus: number;
  readonly offline: boolean;
  readonly tags: readonly string[];
  readonly nodeCpus: number;
  readonly vcpuRatio: number;
}

export interface HtoolsInstance {
  readonly name: string;
  readonly memoryMiB: number;
  readonly cpus: number;
  readonly isRunning: boolean;
  readonly autoBalance: boolean;
  readonly primary: string;
  readonly template: string;
  readonly tags: readonly string[];
}

const MIB = 1024n * 1024n;
const DOWN = new Set(["ADMIN_down", "ADMIN_offline", "ERROR_down", "USER_down"]);

export function readHtools(path: string): HtoolsCluster {
  const sections: string[][] = [[]];
  for (const line of readFileSync(path, "utf8").split("\n")) {
    if (line === "") sections.push([]);
    else sections.at(-1)?.push(line);
  }
  const [groups = [], nodes = [], instances = [], ...rest] = sections;
  const trailing = rest.flat();
  const policies = trailing.filter((line) => line.split("|").length >= 5);
  const ratios = new Map(
    policies.map((line) => [line.split("|")[0] ?? "", Number(line.split("|")[4])]),
  );
  const groupNames = new Map(groups.map((line) => [line.split("|")[1], line.split("|")[0]]));
  return {
    nodes: nodes.map((line) => {
      const field = line.split("|");
      return parseNode(field, ratios.get(groupNames.get(field[8]) ?? "") ?? 4);
    }),
    instances: instances.map(parseInstance),
    clusterTags: trailing.filter((line) => line.split("|").length < 5),
  };
}

function parseNode(field: readonly string[], vcpuRatio: number): HtoolsNode {
  return {
    name: field[0] ?? "",
    totalMiB: Number(field[1]),
    nodeMiB: Number(field[2]),
    freeMiB: Number(field[3]),
    totalDiskMiB: Number(field[4]),
    freeDiskMiB: Number(field[5]),
    cpus: Number(field[6]),
    offline: field[7] === "Y",
    tags: (field[10] ?? "").split(",").filter((tag) => tag !== ""),
    nodeCpus: Number(field[13] ?? 1),
    vcpuRatio,
  };
}

function parseInstance(line: string): HtoolsInstance {
  const field = line.split("|");
  const template = field[8] ?? "";
  if (template === "drbd" || template === "plain") {
    throw new Error(
      `instance ${field[0] ?? ""} is on ${template}: only shared storage is supported`,
    );
  }
  return {
    name: field[0] ?? "",
    memoryMiB: Number(field[1]),
    cpus: Number(field[3]),
    isRunning: !DOWN.has(field[4] ?? ""),
    autoBalance: field[5] === "Y",
    primary: field[6] ?? "",
    template,
    tags: (field[9] ?? "").split(",").filter((tag) => tag !== ""),
  };
}

export function snapshotOf(cluster: HtoolsCluster): Snapshot {
  const exclusion = prefixes(cluster, "htools:iextags:");
  const location = prefixes(cluster, "htools:nlocation:").map((prefix) => `${prefix}:`);
  const groupsOf = (instance: HtoolsInstance) =>
    instance.tags.filter((tag) => exclusion.some((prefix) => tag.startsWith(prefix)));
  const groups = [...new Set(cluster.instances.flatMap(groupsOf))].sort();
  const usedMiB = new Map<string, number>();
  for (const { primary, memoryMiB, isRunning } of cluster.instances) {
    if (isRunning) usedMiB.set(primary, (usedMiB.get(primary) ?? 0) + memoryMiB);
  }
  return {
    version: 1,
    topologyLevels: ["location"],
    hosts: cluster.nodes.map((node) => hostOf(node, usedMiB.get(node.name) ?? 0, location)),
    vms: cluster.instances.map((instance) => vmOf(instance, groupsOf(instance))),
    claims: [],
    rules: groups.flatMap((group): GroupRule[] => [
      { name: group, group, mode: "spread", strength: "preferred", level: "host" },
      {
        name: `${group}@location`,
        group,
        mode: "spread",
        strength: "preferred",
        level: "location",
      },
    ]),
  };
}

const prefixes = (cluster: HtoolsCluster, kind: string): readonly string[] =>
  cluster.clusterTags.filter((tag) => tag.startsWith(kind)).map((tag) => tag.slice(kind.length));

/** What htools calls unaccounted memory is what should be free and is not. hbal keeps a host from becoming quite full. */
function hostOf(node: HtoolsNode, usedMiB: number, location: readonly string[]): HostSnapshot {
  const unaccountedMiB = Math.max(0, node.totalMiB - node.nodeMiB - usedMiB - node.freeMiB);
  return {
    id: node.name,
    name: node.name,
    state: node.offline ? "lost" : "online",
    cordoned: false,
    capacity: {
      cpus: node.cpus,
      cpuOvercommit: node.vcpuRatio,
      memoryBytes: BigInt(node.totalMiB) * MIB,
      memoryReservedBytes: BigInt(node.nodeMiB + unaccountedMiB + 1) * MIB,
    },
    foreign: { cpus: node.nodeCpus, memoryBytes: 0n },
    failureDomain: node.tags.filter((tag) => location.some((prefix) => tag.startsWith(prefix))),
  };
}

function vmOf(instance: HtoolsInstance, groups: readonly string[]): VmSnapshot {
  return {
    id: instance.name,
    name: instance.name,
    state: instance.isRunning ? "running" : "stopped",
    hostId: instance.primary,
    cpus: instance.cpus,
    memoryBytes: instance.isRunning ? BigInt(instance.memoryMiB) * MIB : 0n,
    movable: instance.autoBalance,
    groups,
  };
}
