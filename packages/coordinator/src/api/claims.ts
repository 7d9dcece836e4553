/** Room held for VMs that do not exist yet, until a time. */
import {
  invalid,
  MusterError,
  parseName,
  parseVmId,
  type ClaimRecord,
  type HostId,
} from "@muster/model";
import { openPlanner, place } from "@muster/planner";
import type * as pb from "@muster/proto/admin";
import type { CallContext } from "@muster/runtime";
import { put, remove } from "../ledger/ledger.ts";
import { findClaim, findNetwork, type LedgerView } from "../ledger/view.ts";
import { shapeOfClaim } from "../planning/cluster-snapshot.ts";
import { noPlacement } from "../planning/decide-create.ts";
import { decodeNewRules, encodeRules } from "./decode-rules.ts";
import { decodeWhy, type ApiParts } from "./parts.ts";

const HOLD_SECONDS_DEFAULT = 3_600;
/** A month: room that nobody uses for longer is room that somebody else misses. */
const HOLD_SECONDS_MAX = 31 * 24 * 3_600;
/** Of one request: each is placed while the cluster waits. */
const COUNT_MAX = 100;
/** Of all: far more than anybody prepares at once. */
const CLAIMS_MAX = 10_000;

export function claimHandlers(parts: ApiParts) {
  return {
    async createClaims(
      request: pb.CreateClaimsRequest,
      context: CallContext,
    ): Promise<pb.CreateClaimsResponse> {
      const operator = parts.operatorOf(context);
      const why = decodeWhy(request.why);
      const claims = await parts.ledger.transact((view) => {
        const decided = decide(view, request, { operator, parts });
        const changes = decided.map((claim) => put("claim", claim));
        return { changes: why.dryRun ? [] : changes, result: decided };
      });
      return { claims: claims.map((claim) => encodeClaim(claim, parts.ledger.view)) };
    },

    async listClaims(
      _request: pb.ListClaimsRequest,
      context: CallContext,
    ): Promise<pb.ListClaimsResponse> {
      parts.operatorOf(context);
      const { view } = parts.ledger;
      const sorted = [...view.claims.values()].toSorted((left, right) =>
        left.name.localeCompare(right.name, "en", { numeric: true }),
      );
      return { claims: sorted.map((claim) => encodeClaim(claim, view)) };
    },

    async deleteClaim(
      request: pb.DeleteClaimRequest,
      context: CallContext,
    ): Promise<pb.DeleteClaimResponse> {
      parts.operatorOf(context);
      const why = decodeWhy(request.why);
      await parts.ledger.transact((view) => {
        const claim = findClaim(view, request.name);
        return { changes: why.dryRun ? [] : [remove("claim", claim)], result: undefined };
      });
      return {};
    },
  };
}

/** All of them or none. */
function decide(
  view: LedgerView,
  request: pb.CreateClaimsRequest,
  { operator, parts }: { readonly operator: string; readonly parts: ApiParts },
): readonly ClaimRecord[] {
  const drafts = draftsOf(view, request, parts);
  const snapshot = parts.snapshots.take();
  const planner = openPlanner(snapshot);
  return drafts.map((draft, index) => {
    const asked = { vm: { ...shapeOfClaim(draft), id: draft.id, name: draft.name } };
    const answer = planner.placeAndClaim(asked);
    if (answer.ok) return { ...draft, createdBy: operator, hostId: answer.hostId as HostId };
    const alone = index === 0 ? answer : place(snapshot, asked);
    throw noPlacement(answer, {
      what:
        alone.ok && !answer.ok
          ? `claim ${draft.name}, after ${String(index)} others`
          : `claim ${draft.name}`,
      request: asked,
      snapshot,
    });
  });
}

function draftsOf(
  view: LedgerView,
  request: pb.CreateClaimsRequest,
  parts: ApiParts,
): readonly ClaimRecord[] {
  const { cpus, memoryBytes } = request;
  const count = request.count === 0 ? 1 : request.count;
  const holdSeconds = request.holdSeconds === 0 ? HOLD_SECONDS_DEFAULT : request.holdSeconds;
  if (cpus === 0) throw invalid("cpus", "is required");
  if (memoryBytes === 0n) throw invalid("memory_bytes", "is required");
  if (count > COUNT_MAX) throw invalid("count", `at most ${String(COUNT_MAX)} in one request`);
  if (holdSeconds > HOLD_SECONDS_MAX) {
    throw invalid("hold_seconds", `at most ${String(HOLD_SECONDS_MAX)} (31 days)`);
  }
  if (view.claims.size + count > CLAIMS_MAX) {
    throw new MusterError(
      "limit-exceeded",
      `there are ${String(view.claims.size)} claims already`,
      {
        hint: `at most ${String(CLAIMS_MAX)} can wait: muster claim ls, muster claim rm`,
      },
    );
  }
  for (const network of request.networks) findNetwork(view, network);
  const base = parseName(request.name, "name");
  const rules = decodeNewRules(request.rules, view);
  const now = parts.clock.wall().getTime();
  return Array.from({ length: count }, (_, index): ClaimRecord => {
    const name = parseName(count === 1 ? base : `${base}-${String(index + 1)}`, "name");
    if (view.claims.has(name)) {
      throw new MusterError("already-exists", `there is already a claim named ${name}`, {
        hint: "see: muster claim ls",
      });
    }
    return {
      id: parseVmId(parts.random.uuid()),
      name,
      cpus,
      memoryBytes,
      networks: request.networks,
      ...(rules === undefined ? {} : { rules }),
      // Decided below.
      hostId: "" as HostId,
      createdBy: "",
      createdAt: new Date(now).toISOString(),
      expiresAt: new Date(now + holdSeconds * 1_000).toISOString(),
    };
  });
}

const encodeClaim = (claim: ClaimRecord, view: LedgerView): pb.ClaimView => ({
  name: claim.name,
  host: view.hosts.get(claim.hostId)?.name ?? claim.hostId,
  cpus: claim.cpus,
  memoryBytes: claim.memoryBytes,
  rules: encodeRules(claim.rules, view),
  createdAt: claim.createdAt,
  expiresAt: claim.expiresAt,
  createdBy: claim.createdBy,
});
