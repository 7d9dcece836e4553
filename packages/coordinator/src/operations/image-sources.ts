/** Where a host can get an image from now: locations in the books as addresses that work. */
import { type FetchSource, type ImageLocation, type ImageRecord } from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";

function sourceOf(location: ImageLocation, view: LedgerView): readonly FetchSource[] {
  // A host that keeps it is a peer like any other.
  if (location.kind === "host") return [];
  const { repository, ...plain } = location;
  const { proxy } = view.repositories.get(repository ?? "") ?? {};
  return [proxy === undefined ? plain : { ...plain, proxy }];
}

export const sourcesOf = ({ locations }: ImageRecord, view: LedgerView): readonly FetchSource[] =>
  locations.flatMap((location) => sourceOf(location, view));
