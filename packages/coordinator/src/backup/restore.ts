/** Puts the records of a backup into a store, in place of what is there. */
import { MusterError } from "@muster/model";
import type { Clock } from "@muster/runtime";
import type { Leadership } from "../store/election.ts";
import { TRANSACTION_RECORDS_MAX, type Store, type Transaction } from "../store/store.ts";
import type { Backup } from "./backup-file.ts";

/** There at last and gone at first: a store that holds records without it was restored by half, and is not opened. */
const CLUSTER_KEY = "cluster/this";
/** Whoever leads is to be stopped before. */
const CAMPAIGN_MS = 10_000;

export async function restoreInto(store: Store, backup: Backup, clock: Clock): Promise<void> {
  const leadership = await leadAlone(store, clock);
  const change = async (part: Partial<Transaction>): Promise<void> => {
    const whole = { term: leadership.term, expect: [], puts: [], deletes: [], ...part };
    await store.transact(whole);
  };
  try {
    const old = (await store.snapshot()).records.map(({ key }) => key);
    for (const keys of pieces(old.toSorted(clusterFirst))) await change({ deletes: keys });
    const records = backup.snapshot.records.map(({ key, value }) => ({ key, value }));
    const last = records.toSorted((left, right) => -clusterFirst(left.key, right.key));
    for (const puts of pieces(last)) await change({ puts });
  } finally {
    await leadership.resign(new MusterError("interrupted", "restored"));
  }
}

async function leadAlone(store: Store, clock: Clock): Promise<Leadership> {
  const enough = new AbortController();
  const late = clock.sleep(CAMPAIGN_MS, enough.signal).then(() => {
    const message = "a coordinator leads this cluster";
    const hint = "stop every coordinator: systemctl stop muster-coordinator";
    enough.abort(new MusterError("wrong-state", message, { hint }));
  });
  late.catch(inTime);
  try {
    const self = { name: "restore", version: "", addresses: [] };
    return await store.campaign(self, enough.signal);
  } finally {
    enough.abort(new Error("no longer waiting"));
  }
}

function inTime(): void {
  // It leads.
}

const clusterFirst = (left: string, right: string): number =>
  Number(right === CLUSTER_KEY) - Number(left === CLUSTER_KEY);

function pieces<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  const count = Math.ceil(items.length / TRANSACTION_RECORDS_MAX);
  return Array.from({ length: count }, (_, index) =>
    items.slice(index * TRANSACTION_RECORDS_MAX, (index + 1) * TRANSACTION_RECORDS_MAX),
  );
}
