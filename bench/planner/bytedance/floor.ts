/**
 * What no plan of so many moves can get below, whatever the search: hosts are looked at one by one, as if what
 * leaves them had somewhere ideal to go.
 *
 * All free CPUs stay free, so fragments shrink only as whole pieces appear. Taking some VMs away from a host
 * makes so many new pieces there; wherever they go they fill at least as many as they hold whole themselves.
 * The best k departures of every host, put together by how many moves they use, bound every plan.
 */
import { PIECE, type ClusterFile } from "./cells.ts";

/** VMs that leave one host; beyond that a host gains less for each than others do. */
const DEPARTURES_MAX = 8;

export function fragmentFloor(cluster: ClusterFile, movesMax: number): number {
  const hosts = hostsOf(cluster);
  const cells = hosts.flatMap((host) => host.free);
  const free = cells.reduce((sum, cpus) => sum + cpus, 0);
  const fragments = cells.reduce((sum, cpus) => sum + (cpus % PIECE), 0);
  let best = new Int32Array(movesMax + 1);
  for (const host of hosts) best = combine(best, gainsOf(host));
  return (fragments - PIECE * (best[movesMax] ?? 0)) / free;
}

interface Host {
  readonly free: readonly [number, number];
  /** CPUs of each VM on either cell, like ones side by side. */
  readonly vms: readonly (readonly [number, number])[];
}

function hostsOf(cluster: ClusterFile): readonly Host[] {
  const vmsOf = new Map<string, [number, number][]>();
  for (const { host_id: host, numa } of cluster.vm_instance) {
    const cpus: [number, number] = [0, 0];
    for (const { node, cpu } of numa) cpus[node === 0 ? 0 : 1] = cpu;
    vmsOf.set(host, [...(vmsOf.get(host) ?? []), cpus]);
  }
  return cluster.host_info.map(({ node_id: id, numa }) => {
    const [first, second] = numa.toSorted((a, b) => a.node - b.node);
    const vms = (vmsOf.get(id) ?? []).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    return { free: [first?.free_cpu ?? 0, second?.free_cpu ?? 0], vms };
  });
}

/** By number of departures: the most whole pieces that can be gained. */
function gainsOf({ free, vms }: Host): Int32Array {
  const most = new Int32Array(DEPARTURES_MAX + 1);
  const pieces = (cpus: number): number => Math.floor(cpus / PIECE);
  const before = pieces(free[0]) + pieces(free[1]);
  const leave = (from: number, count: number, so: readonly [number, number, number]): void => {
    const [first, second, filled] = so;
    const gain = pieces(free[0] + first) + pieces(free[1] + second) - before - filled;
    most[count] = Math.max(most[count] ?? 0, gain);
    if (count === DEPARTURES_MAX) return;
    for (let i = from; i < vms.length; i++) {
      const [a, b] = vms[i] ?? [0, 0];
      const last = i > from ? vms[i - 1] : undefined;
      if (last?.[0] === a && last[1] === b) continue;
      leave(i + 1, count + 1, [first + a, second + b, filled + pieces(a) + pieces(b)]);
    }
  };
  leave(0, 0, [0, 0, 0]);
  return most;
}

function combine(best: Int32Array, gains: Int32Array): Int32Array<ArrayBuffer> {
  return Int32Array.from(best, (_, moves) => {
    let most = 0;
    for (let count = 0; count <= Math.min(moves, DEPARTURES_MAX); count++) {
      most = Math.max(most, (best[moves - count] ?? 0) + (gains[count] ?? 0));
    }
    return most;
  });
}
