/** Lets the store forget how things came to be: etcd keeps every version of every record until somebody says so. */
import type { Reconciler } from "@muster/runtime";
import type { Store } from "../store/store.ts";

/** A standby that was away for less than this goes on from where it was; one that was away longer reads everything. */
const PERIOD_MS = 5 * 60_000;

export function compactStore(store: Pick<Store, "newest" | "compact">): Reconciler {
  let last = 0;
  return {
    name: "compact-store",
    periodMs: PERIOD_MS,
    async reconcile() {
      const newest = await store.newest();
      if (last > 0) await store.compact(last);
      last = newest;
    },
  };
}
