import type { HtoolsCluster } from "./htools.ts";

/**
 * hbal's cluster score for instances on shared storage, written from its definition and independent of the
 * planner: the sum over its components that are not constant there.
 *
 * @param primaryOf where each instance is; the cluster's own placement when it is not in the map.
 */
export function htoolsScore(
  cluster: HtoolsCluster,
  primaryOf: ReadonlyMap<string, string>,
  how: { readonly ignoreDynu: boolean },
): number {
  const prefixes = (kind: string) =>
    cluster.clusterTags.filter((tag) => tag.startsWith(kind)).map((tag) => tag.slice(kind.length));
  const exclusion = prefixes("htools:iextags:");
  const location = prefixes("htools:nlocation:").map((prefix) => `${prefix}:`);
  const rows = new Map(
    cluster.nodes.map((node) => {
      const locations = node.tags.filter((tag) =>
        location.some((prefix) => tag.startsWith(prefix)),
      );
      return [
        node.name,
        {
          node,
          locations,
          before: 0,
          memoryMiB: 0,
          cpus: node.nodeCpus,
          count: 0,
          tags: new Map<string, number>(),
        },
      ];
    }),
  );
  const together = new Map<string, number>();
  for (const instance of cluster.instances) {
    const before = rows.get(instance.primary);
    const row = rows.get(primaryOf.get(instance.name) ?? instance.primary);
    if (before === undefined || row === undefined)
      throw new Error(`${instance.name} is on no node`);
    if (instance.isRunning) before.before += instance.memoryMiB;
    if (instance.isRunning) row.memoryMiB += instance.memoryMiB;
    row.cpus += instance.cpus;
    row.count++;
    for (const tag of instance.tags.filter((name) => exclusion.some((p) => name.startsWith(p)))) {
      row.tags.set(tag, (row.tags.get(tag) ?? 0) + 1);
      for (const place of row.locations) {
        together.set(`${place} ${tag}`, (together.get(`${place} ${tag}`) ?? 0) + 1);
      }
    }
  }
  const online = [...rows.values()].filter((row) => !row.node.offline);
  const offline = [...rows.values()].filter((row) => row.node.offline);
  const free = online.map(({ node, before, memoryMiB }) => {
    const unaccounted = Math.max(0, node.totalMiB - node.nodeMiB - before - node.freeMiB);
    return (node.totalMiB - node.nodeMiB - memoryMiB - unaccounted) / node.totalMiB;
  });
  const conflicts = online.flatMap((row) => [...row.tags.values()].map((count) => count - 1));
  const crowded = [...together.values()].map((count) => count - 1);
  return (
    deviation(free) +
    deviation(online.map(({ node, cpus }) => cpus / node.cpus)) +
    deviation(
      online.map(({ node }) =>
        node.totalDiskMiB === 0 ? 1 : node.freeDiskMiB / node.totalDiskMiB,
      ),
    ) +
    (how.ignoreDynu ? 0 : 4 * deviation(online.map((row) => row.count))) +
    2 * sum(conflicts) +
    sum(crowded) +
    20 * sum(offline.map((row) => row.count))
  );
}

const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);

function deviation(values: readonly number[]): number {
  const mean = sum(values) / values.length;
  return Math.sqrt(sum(values.map((value) => (value - mean) ** 2)) / values.length);
}
