/** Keeps hosts told of what changes with time: tries that are due, and whom to probe. */
import type { Reconciler } from "@muster/runtime";
import type { Sessions } from "../sessions/sessions.ts";

/** A thousand hosts that come in a minute are told twelve times whom to probe, not a thousand times. */
const PERIOD_MS = 5_000;

export const refreshNetworks = (sessions: Pick<Sessions, "refreshNetworks">): Reconciler => ({
  name: "refresh-networks",
  periodMs: PERIOD_MS,
  async reconcile() {
    sessions.refreshNetworks();
  },
});
