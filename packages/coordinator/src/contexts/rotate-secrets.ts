/** Seals every context with a new key, then forgets the old ones. Begun and interrupted, the next call finishes it. */
import { put, type Ledger } from "../ledger/ledger.ts";
import type { KeyRing } from "./key-ring.ts";

export interface Rotated {
  readonly contexts: number;
  readonly key: number;
}

export async function rotateSecrets(ledger: Ledger, keyRing: KeyRing): Promise<Rotated> {
  const number = await ledger.transact((view) => {
    const key = keyRing.next(view);
    return { changes: key.changes, result: key.number };
  });
  let contexts = 0;
  // One after the other: a transaction of thousands is more than a store takes at once.
  for (const vmId of [...ledger.view.contexts.keys()]) {
    const isSealed = await ledger.transact((view) => {
      const record = view.contexts.get(vmId);
      if (record?.sealedSecret === undefined || record.secretKey === number) {
        return { changes: [], result: false };
      }
      const key = keyRing.current(view);
      const about = { clusterId: view.cluster.id, vmId };
      const sealedSecret = keyRing.close(keyRing.open(view, record), key, about);
      const changed = { ...record, sealedSecret, secretKey: key.number };
      return { changes: [put("context", changed)], result: true };
    });
    if (isSealed) contexts += 1;
  }
  await ledger.transact((view) => {
    const used = new Set(
      [...view.contexts.values()]
        .filter(({ sealedSecret }) => sealedSecret !== undefined)
        .map(({ secretKey }) => secretKey),
    );
    const keys = view.secrets?.keys ?? [];
    const newest = keys.at(-1)?.number;
    const kept = keys.filter((key) => key.number === newest || used.has(key.number));
    return { changes: [put("secrets", { keys: kept })], result: undefined };
  });
  return { contexts, key: number };
}
