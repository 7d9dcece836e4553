/**
 * What probes say of a network: which hosts hear each other on it. Pure. A pair is good when most frames come back, also
 * those of full size. Hosts that hear each other form parts; the largest is the network, hosts in other parts are cut off
 * from it. Where nobody can be compared with anybody, nothing is said.
 */
import type { HostId, ProbeResult } from "@muster/model";

export interface ProbedHost {
  readonly hostId: HostId;
  readonly name: string;
  readonly results: readonly ProbeResult[];
}

/** One frame in two may be lost to a busy switch; a path that loses more carries no VM. */
const RECEIVED_MIN = 0.5;

/** Undefined: good. */
export function pairProblem(
  { sent, received, mtuBytes }: Pick<ProbeResult, "sent" | "received" | "mtuBytes">,
  mtu: number,
): string | undefined {
  if (sent === 0) return undefined;
  const frames = `${String(received)} of ${String(sent)} frames came back`;
  if (received < sent * RECEIVED_MIN) return frames;
  if (mtuBytes >= mtu) return undefined;
  return `frames of ${String(mtu)} bytes are lost, the largest that came back has ${String(mtuBytes)}`;
}

interface Edge {
  readonly from: HostId;
  readonly to: HostId;
  readonly problem: string | undefined;
}

/** Between hosts that are there to be heard. */
function edgesOf(
  hosts: readonly ProbedHost[],
  { name, mtu }: { readonly name: string; readonly mtu: number },
): readonly Edge[] {
  const known = new Set(hosts.map(({ hostId }) => hostId));
  return hosts.flatMap(({ hostId, results }) =>
    results
      .filter(({ network, peer, sent }) => network === name && known.has(peer) && sent > 0)
      .map((result) => ({ from: hostId, to: result.peer, problem: pairProblem(result, mtu) })),
  );
}

function partsOf(hosts: readonly HostId[], good: readonly Edge[]): readonly (readonly HostId[])[] {
  const neighbours = new Map<HostId, HostId[]>(hosts.map((hostId) => [hostId, []]));
  for (const { from, to } of good) {
    neighbours.get(from)?.push(to);
    neighbours.get(to)?.push(from);
  }
  const seen = new Set<HostId>();
  const parts: (readonly HostId[])[] = [];
  for (const start of hosts) {
    if (seen.has(start)) continue;
    const part = [start];
    seen.add(start);
    for (const hostId of part) {
      for (const next of neighbours.get(hostId) ?? []) {
        if (seen.has(next)) continue;
        seen.add(next);
        part.push(next);
      }
    }
    parts.push(part);
  }
  return parts.toSorted((left, right) => right.length - left.length);
}

/** By host: why VMs there would not be heard. Hosts that are not in it are heard, or were not probed. */
export function unheardHosts(
  hosts: readonly ProbedHost[],
  network: { readonly name: string; readonly mtu: number },
): ReadonlyMap<HostId, string> {
  const edges = edgesOf(hosts, network);
  const probed = new Set(edges.flatMap(({ from, to }) => [from, to]));
  const good = edges.filter(({ problem }) => problem === undefined);
  const [largest = [], second = []] = partsOf([...probed], good);
  // Two halves of one size: neither can be called the network.
  const heard = new Set(largest.length > second.length ? largest : []);
  const nameOf = new Map(hosts.map(({ hostId, name }) => [hostId, name]));
  const unheard = new Map<HostId, string>();
  for (const hostId of probed) {
    if (heard.has(hostId)) continue;
    const bad = edges.filter(
      ({ from, to, problem }) => problem !== undefined && (from === hostId || to === hostId),
    );
    const [first] = bad;
    if (first === undefined) {
      unheard.set(hostId, "is heard by less than half of the hosts");
      continue;
    }
    const other = nameOf.get(first.from === hostId ? first.to : first.from) ?? "";
    const more = bad.length > 1 ? `, and ${String(bad.length - 1)} more hosts` : "";
    unheard.set(hostId, `probes with ${other}: ${first.problem ?? ""}${more}`);
  }
  return unheard;
}
