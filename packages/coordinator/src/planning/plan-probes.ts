/**
 * Who probes whom. Few hosts probe each other all; many stand in a ring, in the order of their ids, and each probes those
 * 1, 2, 4, 8, ... places further on: as few as the logarithm of their number, and still every split shows. Pure.
 */
import type { HostId, HostRecord, NetworkRecord, ProbeAssignment, ProbePeer } from "@muster/model";

/** Up to this many hosts each pair is probed. */
const FULL_MESH_MAX = 9;

/** Places further on in a ring of so many. */
function strides(count: number): readonly number[] {
  const half = Math.floor(count / 2);
  if (count <= FULL_MESH_MAX) return Array.from({ length: half }, (_, index) => index + 1);
  const found: number[] = [];
  for (let stride = 1; stride <= half; stride *= 2) found.push(stride);
  return found;
}

function ring(hosts: readonly HostRecord[]): ReadonlyMap<HostId, readonly ProbePeer[]> {
  const ordered = hosts.toSorted((left, right) => (left.id < right.id ? -1 : 1));
  const steps = strides(ordered.length);
  return new Map(
    ordered.map((host, index) => [
      host.id,
      steps.flatMap((step): readonly ProbePeer[] => {
        const peer = ordered[(index + step) % ordered.length];
        return peer === undefined ? [] : [{ hostId: peer.id, host: peer.name }];
      }),
    ]),
  );
}

export interface ProbeQuestion {
  readonly hosts: readonly HostRecord[];
  readonly networks: readonly NetworkRecord[];
  readonly shouldHave: (network: NetworkRecord, host: HostRecord) => boolean;
}

/** By host. Networks that have the same hosts share an entry. */
export function planProbes(
  question: ProbeQuestion,
): ReadonlyMap<HostId, readonly ProbeAssignment[]> {
  const groups = new Map<string, { readonly names: string[]; readonly hosts: HostRecord[] }>();
  for (const network of question.networks) {
    // A trunk has no frames of its own: each of its ids is another network's business.
    if (network.spec.segment.kind === "trunk") continue;
    const hosts = question.hosts.filter((host) => question.shouldHave(network, host));
    if (hosts.length < 2) continue;
    const key = hosts.map(({ id }) => id).join();
    const group = groups.get(key) ?? { names: [], hosts };
    group.names.push(network.spec.name);
    groups.set(key, group);
  }
  const plan = new Map<HostId, ProbeAssignment[]>();
  for (const { names, hosts } of groups.values()) {
    const networks = names.toSorted();
    for (const [hostId, peers] of ring(hosts)) {
      plan.set(hostId, [...(plan.get(hostId) ?? []), { networks, peers }]);
    }
  }
  return plan;
}
