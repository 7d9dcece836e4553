/** Images: add, list, say more of them, prefetch, remove; and which of them VMs may be made of. */
import {
  imageChannels,
  imageFormats,
  imageKey,
  invalid,
  MusterError,
  parseDigest,
  type HostRecord,
  type ImageBooks,
  type ImageLocation,
  type ImageRecord,
} from "@muster/model";
import {
  decodeImageBooks,
  decodeImagePolicy,
  decodeImageSignature,
  decodeUrlLocation,
  encodeImageBooks,
  encodeImageContents,
  encodeImagePolicy,
  readInstant,
} from "@muster/model/wire";
import type * as pb from "@muster/proto/admin";
import type { Image as WireImage, ImageLocation as WireLocation } from "@muster/proto/images";
import type { CallContext } from "@muster/runtime";
import { put } from "../ledger/ledger.ts";
import { findHost, type LedgerView } from "../ledger/view.ts";
import { hasImage } from "../operations/fetch-image.ts";
import {
  droppable,
  type AddImageParameters,
  type PrefetchImageParameters,
  type RemoveImageParameters,
} from "../operations/image-operations.ts";
import type { Accepted } from "../operations/operation-runner.ts";
import {
  admitImage,
  findImage,
  findImages,
  imageRefusals,
  vmsOfImage,
} from "../planning/admit-image.ts";
import { decodeWhy, type ApiParts, type Why } from "./parts.ts";
import { encodeNow } from "./vm-requests.ts";

/** Of all: a page of the books for every VM there can be. */
const IMAGES_MAX = 10_000;

export function imageHandlers(parts: ApiParts) {
  return {
    addImage: (request: pb.AddImageRequest, context: CallContext): Promise<pb.AddImageResponse> =>
      addImage(request, parts.operatorOf(context), parts),

    async listImages(
      request: pb.ListImagesRequest,
      context: CallContext,
    ): Promise<pb.ListImagesResponse> {
      parts.operatorOf(context);
      const { view } = parts.ledger;
      const wanted =
        request.image === "" ? [...view.images.values()] : findImages(view, request.image);
      const sorted = wanted.toSorted((one, other) =>
        imageKey(one).localeCompare(imageKey(other), "en", { numeric: true }),
      );
      return { images: sorted.map((image) => encodeImage(image, parts)) };
    },

    setImage: (request: pb.SetImageRequest, context: CallContext): Promise<pb.SetImageResponse> =>
      setImage(request, parts.operatorOf(context), parts),

    removeImage: (
      request: pb.RemoveImageRequest,
      context: CallContext,
    ): Promise<pb.RemoveImageResponse> => removeImage(request, parts.operatorOf(context), parts),

    prefetchImage: (
      request: pb.PrefetchImageRequest,
      context: CallContext,
    ): Promise<pb.PrefetchImageResponse> =>
      prefetchImage(request, parts.operatorOf(context), parts),

    async getImagePolicy(
      _request: pb.GetImagePolicyRequest,
      context: CallContext,
    ): Promise<pb.GetImagePolicyResponse> {
      parts.operatorOf(context);
      return { policy: encodeImagePolicy(parts.ledger.view.imagePolicy) };
    },

    async setImagePolicy(
      request: pb.SetImagePolicyRequest,
      context: CallContext,
    ): Promise<pb.SetImagePolicyResponse> {
      const operator = parts.operatorOf(context);
      const why = decodeWhy(request.why);
      if (request.policy === undefined) throw invalid("policy", "is required");
      const policy = decodeImagePolicy(request.policy, "policy");
      const nowMs = parts.clock.wall().getTime();
      const refused = await parts.ledger.transact((view) => ({
        changes: why.dryRun ? [] : [put("image-policy", policy)],
        result: [...view.images.values()].flatMap((image) =>
          imageRefusals(image, policy, nowMs).map((refusal) => `${imageKey(image)}: ${refusal}`),
        ),
      }));
      tell(parts, why, {
        kind: "image-policy-set",
        subject: "image-policy",
        message: `set by ${operator}`,
      });
      return { policy: encodeImagePolicy(policy), refused };
    },
  };
}

function tell(
  parts: ApiParts,
  why: Why,
  event: { readonly kind: string; readonly subject: string; readonly message: string },
): void {
  if (why.dryRun) return;
  const because = why.reason === "" ? "" : `: ${why.reason}`;
  parts.events.record({ ...event, message: `${event.message}${because}` });
}

async function addImage(
  request: pb.AddImageRequest,
  operator: string,
  parts: ApiParts,
): Promise<pb.AddImageResponse> {
  const why = decodeWhy(request.why);
  if (request.books === undefined) throw invalid("books", "is required");
  if (request.location === undefined) throw invalid("location", "is required");
  const books = decodeImageBooks(request.books, "books", operator);
  const location = decodeUrlLocation(request.location, "location");
  const convertTo = imageFormats.find((format) => format === request.convertTo);
  if (request.convertTo !== "" && convertTo === undefined) {
    throw invalid("convert_to", `one of ${imageFormats.join(", ")}`);
  }
  const signature =
    request.signature === undefined
      ? undefined
      : decodeImageSignature(request.signature, "signature");
  const record: ImageRecord = {
    ...books,
    locations: [location],
    ...(request.expected === "" ? {} : { expected: parseDigest(request.expected, "expected") }),
    createdAt: parts.clock.wall().toISOString(),
    createdBy: operator,
  };
  const decide = (view: LedgerView): HostRecord => {
    refuseTaken(view, books);
    if (
      signature !== undefined &&
      !view.imagePolicy.trustedKeys.some(({ name }) => name === signature.key)
    ) {
      throw invalid(
        "signature.key",
        `there is no trusted key "${signature.key}"`,
        "muster image policy set --key NAME=FILE",
      );
    }
    return readerOf(view, request.host, parts);
  };
  if (why.dryRun) {
    decide(parts.ledger.view);
    return { operation: undefined, image: encodeImage(record, parts) };
  }
  const operation = await parts.runner.submit(
    { requestId: why.requestId, type: "image-add" },
    (view): Accepted<AddImageParameters> => ({
      operation: {
        ...{ reason: why.reason, requestedBy: operator, requestId: why.requestId },
        type: "image-add",
        subject: `image/${imageKey(books)}`,
        parameters: {
          image: imageKey(books),
          hostId: decide(view).id,
          ...(convertTo === undefined ? {} : { convertTo }),
          ...(signature === undefined ? {} : { signature }),
        },
        explanation: [],
      },
      changes: (operationId) => [put("image", { ...record, operationId })],
    }),
  );
  const kept = parts.ledger.view.images.get(imageKey(books)) ?? record;
  return { operation: encodeNow(operation, parts), image: encodeImage(kept, parts) };
}

export function refuseTaken(view: LedgerView, books: ImageBooks): void {
  if (view.images.has(imageKey(books))) {
    throw new MusterError("already-exists", `there is already an image ${imageKey(books)}`, {
      hint: `see: muster image show ${imageKey(books)}; contents never change: give another version`,
    });
  }
  if (view.images.size >= IMAGES_MAX) {
    throw new MusterError("limit-exceeded", `there are ${String(view.images.size)} images already`);
  }
}

/** The host that was named, or the one whose cache has the most room. */
export function readerOf(view: LedgerView, named: string, { observations }: ApiParts): HostRecord {
  if (named !== "") {
    const host = findHost(view, named);
    if (observations.stateOf(host) === "online") return host;
    throw new MusterError("host-offline", `host ${host.name} is not connected`);
  }
  const roomOf = (host: HostRecord): bigint => {
    const images = observations.get(host.id)?.inventory?.images;
    return images === undefined ? -1n : images.maxBytes - images.usedBytes;
  };
  const [best] = [...view.hosts.values()]
    .filter((host) => observations.stateOf(host) === "online" && roomOf(host) >= 0n)
    .toSorted(
      (one, other) => Number(roomOf(other) - roomOf(one)) || one.name.localeCompare(other.name),
    );
  if (best !== undefined) return best;
  throw new MusterError("host-offline", "no host with room in its image cache is connected", {
    hint: "see: muster host ls",
  });
}

async function setImage(
  request: pb.SetImageRequest,
  operator: string,
  parts: ApiParts,
): Promise<pb.SetImageResponse> {
  const why = decodeWhy(request.why);
  const changed = await parts.ledger.transact((view) => {
    const image = findImage(view, request.image);
    const after = changedBooks(image, request);
    return { changes: why.dryRun ? [] : [put("image", after)], result: after };
  });
  tell(parts, why, {
    kind: "image-set",
    subject: `image/${imageKey(changed)}`,
    message: `channel ${changed.channel}${changed.deprecated === undefined ? "" : ", deprecated"}, set by ${operator}`,
  });
  return { image: encodeImage(changed, parts) };
}

function changedBooks(image: ImageRecord, request: pb.SetImageRequest): ImageRecord {
  const { validUntil, deprecated, ...rest } = image;
  const { channel } = request;
  const known = imageChannels.find((each) => each === channel);
  if (channel !== undefined && known === undefined) {
    throw invalid("channel", `one of ${imageChannels.join(", ")}`);
  }
  const until = request.validUntil ?? validUntil ?? "";
  const because = request.deprecated ?? deprecated ?? "";
  return {
    ...rest,
    channel: known ?? image.channel,
    description: request.description ?? image.description,
    ...(until === "" ? {} : { validUntil: readInstant(until, "valid_until") }),
    ...(because === "" ? {} : { deprecated: because }),
  };
}

async function removeImage(
  request: pb.RemoveImageRequest,
  operator: string,
  parts: ApiParts,
): Promise<pb.RemoveImageResponse> {
  const why = decodeWhy(request.why);
  const decide = (view: LedgerView) => {
    const image = findImage(view, request.image);
    refuseBusy(image);
    const digest = droppable(view, image);
    const users = digest === undefined ? [] : vmsOfImage(view, digest);
    if (users.length > 0) {
      throw new MusterError(
        "wrong-state",
        `image ${imageKey(image)} is used by ${String(users.length)} VMs`,
        {
          reasons: users.slice(0, 20).map((name) => `VM ${name} has a disk made of it`),
          hint: `keep new VMs from it instead: muster image deprecate ${imageKey(image)} --reason WHY`,
        },
      );
    }
    return { image, digest };
  };
  if (why.dryRun) {
    decide(parts.ledger.view);
    return { operation: undefined };
  }
  const operation = await parts.runner.submit(
    { requestId: why.requestId, type: "image-remove" },
    (view): Accepted<RemoveImageParameters> => {
      const { image, digest } = decide(view);
      return {
        operation: {
          ...{ reason: why.reason, requestedBy: operator, requestId: why.requestId },
          type: "image-remove",
          subject: `image/${imageKey(image)}`,
          parameters: { image: imageKey(image), ...(digest === undefined ? {} : { digest }) },
          explanation: [],
        },
        changes: (operationId) => [put("image", { ...image, operationId })],
      };
    },
  );
  return { operation: encodeNow(operation, parts) };
}

function refuseBusy({ operationId, ...image }: ImageRecord): void {
  if (operationId === undefined) return;
  throw new MusterError("busy", `image ${imageKey(image)} is busy with ${operationId}`, {
    hint: `wait for it: muster op watch ${operationId}`,
  });
}

async function prefetchImage(
  request: pb.PrefetchImageRequest,
  operator: string,
  parts: ApiParts,
): Promise<pb.PrefetchImageResponse> {
  const why = decodeWhy(request.why);
  const decide = (view: LedgerView) => {
    const image = admitImage(view, request.image, parts.clock.wall().getTime());
    const hosts =
      request.hosts.length === 0
        ? [...view.hosts.values()].filter((host) => parts.observations.stateOf(host) === "online")
        : request.hosts.map((name) => findHost(view, name));
    if (hosts.length === 0) throw new MusterError("host-offline", "no host is connected");
    return { image, hosts };
  };
  const { hosts } = decide(parts.ledger.view);
  const names = hosts.map(({ name }) => name).toSorted();
  if (why.dryRun) return { operation: undefined, hosts: names };
  const operation = await parts.runner.submit(
    { requestId: why.requestId, type: "image-prefetch" },
    (view): Accepted<PrefetchImageParameters> => {
      const decided = decide(view);
      return {
        operation: {
          ...{ reason: why.reason, requestedBy: operator, requestId: why.requestId },
          type: "image-prefetch",
          subject: `image/${imageKey(decided.image)}`,
          parameters: {
            digest: decided.image.contents.digest,
            hostIds: decided.hosts.map(({ id }) => id),
          },
          explanation: [],
        },
        changes: () => [],
      };
    },
  );
  return { operation: encodeNow(operation, parts), hosts: names };
}

function encodeLocation(location: ImageLocation, view: LedgerView): WireLocation {
  if (location.kind === "host") {
    const host = view.hosts.get(location.hostId)?.name ?? location.hostId;
    return { urls: [], packing: "", packedSha256: "", repository: "", host };
  }
  const { urls, packing, packedSha256 = "", repository = "" } = location;
  return { urls: [...urls], packing, packedSha256, repository, host: "" };
}

export function encodeImage(image: ImageRecord, parts: ApiParts): WireImage {
  const { view } = parts.ledger;
  const { contents, locations, signedBy = "", createdAt, createdBy, operationId = "" } = image;
  const hosts =
    contents === undefined
      ? []
      : [...view.hosts.values()].filter((host) =>
          hasImage(parts.observations, host.id, contents.digest),
        );
  return {
    books: encodeImageBooks(image),
    contents: contents === undefined ? undefined : encodeImageContents(contents),
    locations: locations.map((location) => encodeLocation(location, view)),
    signedBy,
    createdAt,
    createdBy,
    operationId,
    hosts: hosts.map(({ name }) => name).toSorted(),
    vmCount: contents === undefined ? 0 : vmsOfImage(view, contents.digest).length,
    refused: [...imageRefusals(image, view.imagePolicy, parts.clock.wall().getTime())],
  };
}
