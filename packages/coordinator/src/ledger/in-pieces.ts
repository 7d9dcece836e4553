/**
 * Changes of more records than one transaction of the store may have, made in several. For changes that may stand half
 * done for a moment: whoever asks makes sure that what comes last is what counts.
 */
import { TRANSACTION_RECORDS_MAX } from "../store/store.ts";
import type { Ledger, RecordChange } from "./ledger.ts";
import type { LedgerView } from "./view.ts";

/** Leaves room for what goes with the last piece, and for the audit trail. */
export const PIECE_RECORDS_MAX = TRANSACTION_RECORDS_MAX - 20;

/** Until no more than `left` of them are to be made. Each piece is decided anew, on what holds then. */
export async function inPieces(
  ledger: Ledger,
  changes: (view: LedgerView) => readonly RecordChange[],
  left: number,
): Promise<void> {
  for (;;) {
    const count = await ledger.transact((view) => {
      const all = changes(view);
      const piece = all.length <= left ? [] : all.slice(0, PIECE_RECORDS_MAX);
      return { changes: piece, result: all.length };
    });
    if (count <= left) return;
  }
}
