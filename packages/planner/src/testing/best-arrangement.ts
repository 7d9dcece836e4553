/** The best arrangement of a few VMs on a few hosts, found by trying all of them. */
import { Assignment } from "../search/assignment.ts";
import { DEFAULT_BALANCE_WEIGHTS, problemFrom } from "../search/from-snapshot.ts";
import type { Snapshot } from "../snapshot.ts";
import { brokenAt } from "./referee.ts";

/** More would be too many arrangements to try: hosts to the power of VMs. */
const HOSTS = 3;
const VMS = 4;

export function smallPart(snapshot: Snapshot): Snapshot {
  const hosts = snapshot.hosts.slice(0, HOSTS);
  const ids = new Set(hosts.map((host) => host.id));
  const vms = snapshot.vms.filter((vm) => ids.has(vm.hostId ?? "")).slice(0, VMS);
  return { ...snapshot, hosts, vms };
}

export function bestArrangement(snapshot: Snapshot): Snapshot {
  let best = snapshot;
  let lowest = scoreOf(snapshot);
  for (const candidate of arrangements(snapshot, 0)) {
    const score = scoreOf(candidate);
    if (score < lowest && brokenAt(candidate).length === 0) {
      best = candidate;
      lowest = score;
    }
  }
  return best;
}

const scoreOf = (snapshot: Snapshot): number => {
  const weights = { ...DEFAULT_BALANCE_WEIGHTS, perMove: 0, perGiBMoved: 0 };
  return new Assignment(problemFrom(snapshot, weights).problem).cost;
};

/** Every way to put the VMs from the given one on. */
function* arrangements(snapshot: Snapshot, from: number): Generator<Snapshot> {
  const vm = snapshot.vms[from];
  if (vm === undefined) {
    yield snapshot;
    return;
  }
  for (const { id } of snapshot.hosts) {
    const vms = snapshot.vms.with(from, { ...vm, hostId: id });
    yield* arrangements({ ...snapshot, vms }, from + 1);
  }
}
