/** Has a host fetch an image: from other hosts that have it, with tickets, else from where it lies. */
import {
  isMusterError,
  MusterError,
  type FetchSource,
  type HostId,
  type ImageContents,
  type ImageDigest,
  type ImageRecord,
} from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";
import type { Observations } from "../observations/observations.ts";
import { planPeers, type PossiblePeer } from "../planning/plan-peers.ts";
import { sourcesOf } from "./image-sources.ts";
import type { StepContext } from "./operation-type.ts";

/** The largest image over the slowest link. */
export const FETCH_LIMIT_MS = 12 * 3_600_000;
const OFFER_LIMIT_MS = 10_000;
/** Another peer is asked sooner than one that is gone is waited for. */
const OFFER_OFFLINE_MS = 2_000;
/** A transfer that is resumed shows its ticket again. */
const TICKET_MS = FETCH_LIMIT_MS;
const TICKET_BYTES = 24;

export const hasImage = (
  observations: Observations,
  hostId: HostId,
  digest: ImageDigest,
): boolean =>
  observations
    .get(hostId)
    ?.inventory?.images?.images.some((image) => image.digest === digest && image.problem === "") ===
  true;

export function recordsOf(view: LedgerView, digest: ImageDigest): readonly ImageRecord[] {
  return [...view.images.values()].filter(({ contents }) => contents?.digest === digest);
}

export async function fetchImage(
  context: StepContext<unknown>,
  { hostId, digest }: { readonly hostId: HostId; readonly digest: ImageDigest },
): Promise<void> {
  const { ledger, observations } = context;
  const records = recordsOf(ledger.view, digest);
  const contents = records[0]?.contents;
  if (contents === undefined) {
    throw new MusterError("not-found", `image ${digest.slice(0, 12)} is not in the books any more`);
  }
  const suffix = hostId.slice(0, 8);
  const urls = records.flatMap((record) => sourcesOf(record, ledger.view));
  if (hasImage(observations, hostId, digest)) {
    try {
      return await command(context, { hostId, suffix, contents, sources: urls });
    } catch (error) {
      // Evicted a moment ago: nobody was asked to give it.
      if (!isMusterError(error) || error.code !== "unreachable") throw error;
    }
  }
  const peers = await offers(context, { hostId, digest });
  await command(context, {
    ...{ hostId, contents },
    suffix: `${suffix}-anew`,
    sources: [...peers, ...urls],
  });
}

async function command(
  context: StepContext<unknown>,
  order: {
    readonly hostId: HostId;
    readonly suffix: string;
    readonly contents: ImageContents;
    readonly sources: readonly FetchSource[];
  },
): Promise<void> {
  const { hostId, suffix, contents, sources } = order;
  await context.command(
    hostId,
    { kind: "fetch-image", contents, sources },
    { suffix, limitMs: FETCH_LIMIT_MS },
  );
}

async function offers(
  context: StepContext<unknown>,
  { hostId, digest }: { readonly hostId: HostId; readonly digest: ImageDigest },
): Promise<readonly FetchSource[]> {
  const { ledger, observations } = context;
  const peers = planPeers(possiblePeers(ledger.view, observations), { digest, by: hostId });
  const sources: FetchSource[] = [];
  for (const peer of peers) {
    const ticket = Buffer.from(context.random.bytes(TICKET_BYTES)).toString("base64url");
    try {
      await context.command(
        peer.hostId,
        { kind: "offer-image", digest, ticket, forMs: TICKET_MS },
        {
          suffix: `offer-${peer.hostId.slice(0, 8)}-${hostId.slice(0, 8)}`,
          limitMs: OFFER_LIMIT_MS,
          offlineLimitMs: OFFER_OFFLINE_MS,
        },
      );
      sources.push({ kind: "peer", host: peer.name, address: peer.address, ticket });
    } catch (error) {
      context.signal.throwIfAborted();
      context.stopping.throwIfAborted();
      if (!isMusterError(error)) throw error;
      context.phase(`${peer.name} does not give it: ${error.message}`);
    }
  }
  return sources;
}

const possiblePeers = (view: LedgerView, observations: Observations): readonly PossiblePeer[] =>
  [...view.hosts.values()].map((host) => {
    const images = observations.get(host.id)?.inventory?.images;
    const whole = (images?.images ?? []).filter(({ problem }) => problem === "");
    return {
      hostId: host.id,
      name: host.name,
      isOnline: observations.stateOf(host) === "online",
      address: images?.address ?? "",
      digests: new Set(whole.map(({ digest }) => digest)),
      domain: host.traits?.failureDomain ?? [],
    };
  });
