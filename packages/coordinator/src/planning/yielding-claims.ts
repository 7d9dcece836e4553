/**
 * Claims that wait for their VMs hold room, not a place: when somebody else needs the place, they go elsewhere for
 * free, and only when there is an elsewhere. Pure.
 */
import type { ClaimRecord, HostId } from "@muster/model";
import {
  openPlanner,
  place,
  type ClaimSnapshot,
  type PlaceAnswer,
  type Planner,
  type PlaceRequest,
  type Snapshot,
} from "@muster/planner";
import { put, type RecordChange } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";

export interface YieldedPlace {
  readonly answer: PlaceAnswer;
  /** Claims that make way, by the id their VMs will have. */
  readonly yielded: readonly { readonly claimId: string; readonly toHostId: string }[];
}

/** Where the VM goes; claims make way when nothing else helps. */
export function placeAmongClaims(snapshot: Snapshot, asked: PlaceRequest): YieldedPlace {
  const answer = place(snapshot, asked);
  if (answer.ok) return { answer, yielded: [] };
  const { waiting, others } = split(snapshot, asked.vm.id);
  if (waiting.length === 0) return { answer, yielded: [] };
  const planner = openPlanner({ ...snapshot, claims: others });
  const second = planner.placeAndClaim(asked);
  if (!second.ok) return { answer, yielded: [] };
  const yielded = settle(planner, waiting);
  return yielded === undefined ? { answer, yielded: [] } : { answer: second, yielded };
}

/** New places for the claims held on these hosts; those that fit nowhere else are not named. */
export function moveClaimsOff(
  snapshot: Snapshot,
  hostIds: ReadonlySet<string>,
): YieldedPlace["yielded"] {
  const { waiting } = split(snapshot, "");
  const hosts = snapshot.hosts.map((host) =>
    hostIds.has(host.id) ? { ...host, cordoned: true } : host,
  );
  const planner = openPlanner({ ...snapshot, hosts });
  return waiting
    .filter(({ hostId }) => hostIds.has(hostId))
    .flatMap((claim) => {
      const answer = planner.placeAndClaim(requestOf(claim));
      return answer.ok ? [{ claimId: claim.vmId, toHostId: answer.hostId }] : [];
    });
}

/** The ledger's side of it. */
export const yieldChanges = (
  view: LedgerView,
  yielded: YieldedPlace["yielded"],
): readonly RecordChange[] => {
  const byId = new Map<string, ClaimRecord>(
    [...view.claims.values()].map((claim) => [claim.id, claim]),
  );
  return yielded.flatMap(({ claimId, toHostId }) => {
    const claim = byId.get(claimId);
    // The planner's ids are those of the ledger it was given.
    return claim === undefined ? [] : [put("claim", { ...claim, hostId: toHostId as HostId })];
  });
};

function split(snapshot: Snapshot, exceptId: string) {
  const known = new Set(snapshot.vms.map(({ id }) => id));
  const isWaiting = ({ vmId }: ClaimSnapshot): boolean => !known.has(vmId) && vmId !== exceptId;
  return {
    waiting: snapshot.claims.filter(isWaiting),
    others: snapshot.claims.filter((claim) => !isWaiting(claim)),
  };
}

/** Those that can stay do; the others move, the largest first. Undefined: not all have a place. */
function settle(
  planner: Planner,
  waiting: readonly ClaimSnapshot[],
): YieldedPlace["yielded"] | undefined {
  const largestFirst = waiting.toSorted(
    (a, b) => Number(b.memoryBytes - a.memoryBytes) || (a.vmId < b.vmId ? -1 : 1),
  );
  const homeless = largestFirst.filter((claim) => {
    const request = requestOf(claim);
    if (!planner.fits(request, claim.hostId)) return true;
    planner.claim(request, claim.hostId);
    return false;
  });
  const yielded: { claimId: string; toHostId: string }[] = [];
  for (const claim of homeless) {
    const answer = planner.placeAndClaim(requestOf(claim));
    if (!answer.ok) return undefined;
    yielded.push({ claimId: claim.vmId, toHostId: answer.hostId });
  }
  return yielded;
}

const requestOf = ({ vmId, hostId: _hostId, ...shape }: ClaimSnapshot): PlaceRequest => ({
  vm: { ...shape, id: vmId, name: vmId },
});
