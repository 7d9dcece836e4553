/** What would make room for a VM that no host can take, in sentences. Pure. */
import { renderWouldFit, whatWouldFit, type PlaceRequest, type Snapshot } from "@muster/planner";
import { nameWouldFit } from "../plans/plan-wording.ts";

/**
 * The search tries moves on every host. With more it would hold up the coordinator, and belongs on a thread:
 * `muster plan place`.
 */
const HOSTS_MAX = 16;

export function wouldFitLines(snapshot: Snapshot, request: PlaceRequest): readonly string[] {
  const { hosts } = snapshot;
  if (hosts.length === 0) return [];
  if (hosts.length > HOSTS_MAX) return ["what would make it fit: ask muster plan place"];
  return renderWouldFit(nameWouldFit(snapshot, whatWouldFit(snapshot, request)));
}
