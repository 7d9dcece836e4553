/** Takes images into the books and out of them, and has hosts fetch them. */
import {
  imageKey,
  isMusterError,
  MusterError,
  type HostId,
  type ImageDigest,
  type ImageFormat,
  type ImageRecord,
  type ImageSignature,
} from "@muster/model";
import { put, remove, type RecordChange } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import { FETCH_LIMIT_MS, fetchImage, hasImage, recordsOf } from "./fetch-image.ts";
import { sourcesOf } from "./image-sources.ts";
import type { OperationType, StepContext, StepDefinition } from "./operation-type.ts";

export interface AddImageParameters {
  /** NAME:VERSION. */
  readonly image: string;
  /** The host that reads it. */
  readonly hostId: HostId;
  readonly convertTo?: ImageFormat;
  readonly signature?: ImageSignature;
}

const hostOf = (view: LedgerView, { hostId }: { readonly hostId: HostId }): string | undefined =>
  view.hosts.get(hostId)?.name;

function heldImage(context: StepContext<AddImageParameters>): ImageRecord {
  const image = context.ledger.view.images.get(context.parameters.image);
  if (image?.operationId === context.operation.id) return image;
  throw new MusterError(
    "not-found",
    `image ${context.parameters.image} is not being added any more`,
  );
}

function released(image: ImageRecord): ImageRecord {
  const { operationId: _operation, ...free } = image;
  return free;
}

const read: StepDefinition<AddImageParameters> = {
  name: "read",
  host: hostOf,
  async run(context) {
    const { hostId, convertTo, signature } = context.parameters;
    const image = heldImage(context);
    // Read before the coordinator was restarted.
    if (image.contents !== undefined) return;
    const [source] = sourcesOf(image, context.ledger.view);
    if (source === undefined) throw new MusterError("internal", "an image without a location");
    const key = context.ledger.view.imagePolicy.trustedKeys.find(
      ({ name }) => name === signature?.key,
    );
    if (signature !== undefined && key === undefined) {
      throw new MusterError("wrong-state", `key ${signature.key} is trusted no more`);
    }
    context.phase("reading, judging and naming it");
    const { image: contents } = await context.command(
      hostId,
      {
        kind: "import-image",
        source,
        ...(convertTo === undefined ? {} : { convertTo }),
        ...(image.expected === undefined ? {} : { expected: image.expected }),
        ...(signature === undefined || key === undefined
          ? {}
          : { signature: { ...signature, publicKey: key.publicKey } }),
      },
      { limitMs: FETCH_LIMIT_MS },
    );
    if (contents === undefined) {
      throw new MusterError("version-mismatch", "the host does not know images", {
        hint: "upgrade its agent",
      });
    }
    // What was converted is nowhere else: it must not be evicted there.
    const isOnlyThere = convertTo !== undefined;
    if (isOnlyThere) {
      const keep = { kind: "keep-image", digest: contents.digest, keep: true } as const;
      await context.command(hostId, keep, { suffix: "keep" });
    }
    await context.ledger.transact((view) => {
      const now = view.images.get(context.parameters.image);
      if (now?.operationId !== context.operation.id) return { changes: [], result: undefined };
      const changed: ImageRecord = {
        ...now,
        contents,
        ...(isOnlyThere ? { locations: [{ kind: "host", hostId }] } : {}),
        ...(signature === undefined ? {} : { signedBy: signature.key }),
      };
      return { changes: [put("image", changed)], result: undefined };
    });
  },
};

export const addImage: OperationType<AddImageParameters> = {
  name: "image-add",
  verb: "add",
  needs: ({ view }, { hostId }) => [{ kind: "host", name: view.hosts.get(hostId)?.name ?? hostId }],
  steps: () => [read],
  ended(view, operation, outcome): readonly RecordChange[] {
    const image = view.images.get(operation.parameters.image);
    if (image?.operationId !== operation.id) return [];
    // Nothing half-made: what was not read is not in the books.
    if (outcome !== "succeeded") return [remove("image", image)];
    return [put("image", released(image))];
  },
};

export interface RemoveImageParameters {
  readonly image: string;
  /** Absent: another entry of the books names the same contents, and they stay on the hosts. */
  readonly digest?: ImageDigest;
}

/** A host that may not evict it would keep it for ever. */
function refuseAwayKeepers({
  ledger,
  observations,
  parameters,
}: StepContext<RemoveImageParameters>): void {
  for (const location of ledger.view.images.get(parameters.image)?.locations ?? []) {
    const keeper = location.kind === "host" ? ledger.view.hosts.get(location.hostId) : undefined;
    if (keeper === undefined || observations.stateOf(keeper) === "online") continue;
    throw new MusterError(
      "host-offline",
      `host ${keeper.name}, which keeps the image, is not connected`,
    );
  }
}

const dropFromHosts: StepDefinition<RemoveImageParameters> = {
  name: "drop",
  async run(context) {
    const { digest } = context.parameters;
    if (digest === undefined) return;
    const { ledger, observations } = context;
    refuseAwayKeepers(context);
    for (const host of ledger.view.hosts.values()) {
      // One that is away drops it when it cleans its cache: nobody needs it any more.
      if (observations.stateOf(host) !== "online" || !hasImage(observations, host.id, digest))
        continue;
      context.phase(`removing it from ${host.name}`);
      const suffix = host.id.slice(0, 8);
      await context.command(
        host.id,
        { kind: "keep-image", digest, keep: false },
        { suffix: `let-${suffix}` },
      );
      await context.command(host.id, { kind: "drop-image", digest }, { suffix });
    }
  },
};

export const removeImage: OperationType<RemoveImageParameters> = {
  name: "image-remove",
  verb: "remove",
  steps: () => [dropFromHosts],
  ended(view, operation, outcome) {
    const image = view.images.get(operation.parameters.image);
    if (image?.operationId !== operation.id) return [];
    return [outcome === "succeeded" ? remove("image", image) : put("image", released(image))];
  },
};

export interface PrefetchImageParameters {
  readonly digest: ImageDigest;
  readonly hostIds: readonly HostId[];
}

/** From a repository the first fetches, the others then fetch from it and from each other. */
const WIDTH_MIN = 1;
const WIDTH_MAX = 8;

const fetch: StepDefinition<PrefetchImageParameters> = {
  name: "fetch",
  async run(context) {
    const { digest, hostIds } = context.parameters;
    const { observations } = context;
    const has = (hostId: HostId): boolean => hasImage(observations, hostId, digest);
    // Those that have it first: they only say so.
    let waiting = hostIds.toSorted((one, other) => Number(has(other)) - Number(has(one)));
    const reasons: string[] = [];
    let done = 0;
    while (waiting.length > 0) {
      const isAnywhere = [...observations.hosts().keys()].some(has);
      const width = isAnywhere ? WIDTH_MAX : WIDTH_MIN;
      const now = waiting.slice(0, width);
      waiting = waiting.slice(width);
      context.phase(`${String(done)} of ${String(hostIds.length)} hosts have it`);
      await Promise.all(
        now.map(async (hostId) => {
          try {
            await fetchImage(context, { hostId, digest });
            done += 1;
          } catch (error) {
            context.signal.throwIfAborted();
            context.stopping.throwIfAborted();
            if (!isMusterError(error)) throw error;
            const name = context.ledger.view.hosts.get(hostId)?.name ?? hostId;
            reasons.push(`${name}: ${[error.message, ...error.reasons].join("; ")}`);
          }
        }),
      );
    }
    if (reasons.length === 0) return;
    const counts = `${String(reasons.length)} of ${String(hostIds.length)} hosts do not have the image`;
    throw new MusterError("unreachable", counts, { reasons });
  },
};

export const prefetchImage: OperationType<PrefetchImageParameters> = {
  name: "image-prefetch",
  verb: "prefetch",
  steps: () => [fetch],
  ended: () => [],
};

/** Of an image that is to be removed: the contents go from the hosts when nothing else in the books is them. */
export function droppable(view: LedgerView, image: ImageRecord): ImageDigest | undefined {
  if (image.contents === undefined) return undefined;
  const { digest } = image.contents;
  const others = recordsOf(view, digest).filter((other) => imageKey(other) !== imageKey(image));
  return others.length === 0 ? digest : undefined;
}
