/**
 * MAC addresses for NICs that were given none: 02:6d:CC:NN:NN:NN, locally administered, CC from the cluster's id so
 * that two clusters on one segment differ, N a counter that never goes back. Pure.
 */
import { invalid } from "@muster/model";
import type { ClusterRecord } from "../ledger/records.ts";
import type { LedgerView } from "../ledger/view.ts";

const COUNTER_MAX = 0xff_ff_ff;

export function macsInUse(view: LedgerView, wildMacs: ReadonlySet<string>): ReadonlySet<string> {
  const ours = [...view.vms.values()].flatMap((vm) => vm.spec.nics.map((nic) => nic.mac));
  return new Set([...ours, ...wildMacs]);
}

/** One address for each wish; `undefined` means any. */
export function nextMacs(
  cluster: ClusterRecord,
  wishes: readonly (string | undefined)[],
  taken: ReadonlySet<string>,
): { readonly macs: readonly string[]; readonly macCount: number } {
  const used = new Set(taken);
  let macCount = cluster.macCount;
  const next = (): string => {
    for (let tries = 0; tries <= COUNTER_MAX; tries += 1) {
      macCount = (macCount + 1) & COUNTER_MAX;
      const mac = macOf(cluster, macCount);
      if (!used.has(mac)) return mac;
    }
    throw invalid("nics", "every MAC address of this cluster's range is in use");
  };
  const macs = wishes.map((wish, index) => {
    if (wish !== undefined && used.has(wish)) {
      throw invalid(`nics[${String(index)}].mac`, `${wish} is already in use in this cluster`);
    }
    const mac = wish ?? next();
    used.add(mac);
    return mac;
  });
  return { macs, macCount };
}

function macOf(cluster: ClusterRecord, counter: number): string {
  const hex = counter.toString(16).padStart(6, "0");
  const own = cluster.id.slice(0, 2);
  return `02:6d:${own}:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4, 6)}`;
}
