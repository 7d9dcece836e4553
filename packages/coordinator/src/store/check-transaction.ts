/** What every store refuses alike. PURE. */
import { MusterError } from "@muster/model";
import { TRANSACTION_RECORDS_MAX, type Expectation, type Transaction } from "./store.ts";

/** Throws `limit-exceeded`. */
export function checkSize({ puts, deletes, expect }: Transaction): void {
  const size = Math.max(puts.length + deletes.length, expect.length);
  if (size <= TRANSACTION_RECORDS_MAX) return;
  const limit = String(TRANSACTION_RECORDS_MAX);
  throw new MusterError(
    "limit-exceeded",
    `a transaction of ${String(size)} records, at most ${limit} are stored at once`,
  );
}

/** `find`: the revision of a key, 0 when there is none. Throws `version-conflict`. */
export function checkExpectations(
  expectations: readonly Expectation[],
  find: (key: string) => number,
): void {
  for (const { key, revision } of expectations) {
    const found = find(key);
    if (found === revision) continue;
    const message = `${key} is at revision ${String(found)}, not ${String(revision)}`;
    throw new MusterError("version-conflict", message);
  }
}

export function notLeader(term: number, current: number): MusterError {
  const message = `term ${String(term)} is over, the store is at term ${String(current)}`;
  return new MusterError("not-leader", message, { hint: "another coordinator leads" });
}
