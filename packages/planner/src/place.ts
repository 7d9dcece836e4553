import type { PlaceAnswer, PlaceOptions } from "./answer.ts";
import { keptAccountsOf } from "./follower.ts";
import { Planner } from "./planner.ts";
import type { Refusal } from "./refusal.ts";
import type { ClaimSnapshot, PlaceRequest, Snapshot } from "./snapshot.ts";

/** Opens the accounts of a snapshot for any number of questions. */
export const openPlanner = (snapshot: Snapshot): Planner => new Planner(snapshot);

/** Where one VM should go. Pure: the same snapshot and request give the same answer. */
export function place(
  snapshot: Snapshot,
  request: PlaceRequest,
  options: PlaceOptions = {},
): PlaceAnswer {
  const answer = keptAccountsOf(snapshot)?.place(request, options);
  // What was worked out for each failure depends a little on what happened before: a no is asked again afresh.
  const isSure = answer?.ok === true || snapshot.policy?.survive === undefined;
  return answer !== undefined && isSure ? answer : openPlanner(snapshot).place(request, options);
}

/** Every check that one host fails for this request; empty when it would do. */
export const whyNot = (
  snapshot: Snapshot,
  request: PlaceRequest,
  hostId: string,
): readonly Refusal[] =>
  (keptAccountsOf(snapshot) ?? openPlanner(snapshot)).whyNot(request, hostId);

/** The snapshot in which the claim holds; the same value when it held already. */
export function applyClaim(snapshot: Snapshot, claim: ClaimSnapshot): Snapshot {
  const holds = snapshot.claims.some(
    (held) => held.vmId === claim.vmId && held.hostId === claim.hostId,
  );
  return holds ? snapshot : { ...snapshot, claims: [...snapshot.claims, claim] };
}
