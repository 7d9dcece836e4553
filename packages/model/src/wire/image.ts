/** Images on the wire: contents, books, caches, and what hosts are told to do with them. */
import type { Command as WireCommand } from "@muster/proto/dispatch";
import type * as pb from "@muster/proto/images";
import { assertNever } from "../assert.ts";
import { invalid } from "../errors.ts";
import {
  imageChannels,
  imageFormats,
  imagePackings,
  parseDigest,
  parseImageVersion,
  type CachedImage,
  type FetchSource,
  type ImageAction,
  type ImageBooks,
  type ImageCacheReport,
  type ImageContents,
  type ImagePolicy,
  type ImageSignature,
  type SignatureKind,
  type TrustedKey,
  type UrlLocation,
} from "../image.ts";
import { parseName, parseWord } from "../names.ts";
import { renderSize, TIB } from "../sizes.ts";
import {
  fieldAt,
  measuredUint32,
  readChoice,
  readCount,
  readLine,
  readList,
  readText,
  refuseDuplicates,
  required,
} from "./fields.ts";

type WireAction = NonNullable<WireCommand["action"]>;
type WireImageAction = Extract<
  WireAction,
  { $case: "fetchImage" | "importImage" | "offerImage" | "keepImage" | "dropImage" }
>;

/** As large as the largest disk: QEMU takes more, no host has it. */
export const IMAGE_SIZE_MAX_BYTES = 64n * TIB;
const URLS_MAX = 1_000;
/** Presigned URLs carry policies and tokens. */
const URL_LENGTH_MAX = 8_192;
const SOURCES_MAX = 64;
/** A cache with more entries than this reports the first ones only. */
export const CACHED_IMAGES_MAX = 4_096;
const TEXT_LENGTH_MAX = 4_000;
const KEY_LENGTH_MAX = 100_000;
const TICKET_LENGTH_MAX = 128;
const POLICY_LIST_MAX = 10_000;
const signatureKinds: readonly SignatureKind[] = ["minisign", "gpg"];

function readSize(bytes: bigint, field: string): bigint {
  if (bytes <= IMAGE_SIZE_MAX_BYTES) return bytes;
  throw invalid(
    field,
    `${renderSize(bytes)} is more than the ${renderSize(IMAGE_SIZE_MAX_BYTES)} an image may have`,
  );
}

export function decodeImageContents(wire: pb.ImageContents, field: string): ImageContents {
  return {
    digest: parseDigest(wire.digest, fieldAt(field, "digest")),
    format: readChoice(wire.format, fieldAt(field, "format"), imageFormats),
    sizeBytes: readSize(wire.sizeBytes, fieldAt(field, "sizeBytes")),
    virtualSizeBytes: readSize(wire.virtualSizeBytes, fieldAt(field, "virtualSizeBytes")),
  };
}

export const encodeImageContents = (contents: ImageContents): pb.ImageContents => ({
  digest: contents.digest,
  format: contents.format,
  sizeBytes: contents.sizeBytes,
  virtualSizeBytes: contents.virtualSizeBytes,
});

function decodeCached(wire: pb.CachedImage, field: string): CachedImage {
  const contents = required(wire.contents, fieldAt(field, "contents"));
  return {
    ...decodeImageContents(contents, fieldAt(field, "contents")),
    uses: readCount(wire.uses, fieldAt(field, "uses")),
    kept: wire.kept,
    lastUsedAt: readLine(wire.lastUsedAt, fieldAt(field, "lastUsedAt"), { max: 64 }),
    problem: readText(wire.problem, fieldAt(field, "problem"), { max: TEXT_LENGTH_MAX }),
  };
}

export function decodeImageCache(wire: pb.ImageCacheReport, field: string): ImageCacheReport {
  return {
    address: readLine(wire.address, fieldAt(field, "address"), { max: 300 }),
    usedBytes: wire.usedBytes,
    maxBytes: wire.maxBytes,
    images: readList(
      wire.images,
      { field: fieldAt(field, "images"), max: CACHED_IMAGES_MAX },
      decodeCached,
    ),
  };
}

export const encodeImageCache = (report: ImageCacheReport): pb.ImageCacheReport => ({
  ...report,
  images: report.images.slice(0, CACHED_IMAGES_MAX).map((image) => ({
    contents: encodeImageContents(image),
    uses: measuredUint32(image.uses),
    kept: image.kept,
    lastUsedAt: image.lastUsedAt,
    problem: image.problem,
  })),
});

const SCHEMES = /^(https?|file):\/\/\S+$/;

function readUrl(text: string, field: string): string {
  readLine(text, field, { min: 1, max: URL_LENGTH_MAX });
  if (!SCHEMES.test(text) || !URL.canParse(text)) {
    const shown = JSON.stringify(text.slice(0, 120));
    throw invalid(field, `${shown} is no http, https or file URL`, "https://host/path/disk.qcow2");
  }
  return text;
}

export function decodeUrlLocation(
  wire: Pick<pb.ImageLocation, "urls" | "packing" | "packedSha256">,
  field: string,
): Omit<UrlLocation, "repository"> {
  const urls = readList(wire.urls, { field: fieldAt(field, "urls"), max: URLS_MAX }, readUrl);
  if (urls.length === 0) throw invalid(fieldAt(field, "urls"), "is required");
  return {
    kind: "url",
    urls,
    packing: readChoice(wire.packing || "none", fieldAt(field, "packing"), imagePackings),
    ...(wire.packedSha256 === ""
      ? {}
      : { packedSha256: parseDigest(wire.packedSha256, fieldAt(field, "packedSha256")) }),
  };
}

function decodeSource(wire: pb.FetchSource, field: string): FetchSource {
  const at = (part: string): string => fieldAt(field, part);
  if (wire.host === "") {
    const location = decodeUrlLocation(wire, field);
    const proxy = readLine(wire.proxy, at("proxy"), { max: 1_000 });
    return proxy === "" ? location : { ...location, proxy };
  }
  return {
    kind: "peer",
    host: parseName(wire.host, at("host")),
    address: readLine(wire.address, at("address"), { min: 1, max: 300 }),
    ticket: readLine(wire.ticket, at("ticket"), { min: 1, max: TICKET_LENGTH_MAX }),
  };
}

const noPeer = { host: "", address: "", ticket: "" };

function encodeSource(source: FetchSource): pb.FetchSource {
  if (source.kind === "peer") {
    const { host, address, ticket } = source;
    return { host, address, ticket, urls: [], packing: "", packedSha256: "", proxy: "" };
  }
  const { urls, packing, packedSha256 = "", proxy = "" } = source;
  return { ...noPeer, urls: [...urls], packing, packedSha256, proxy };
}

export function decodeImageSignature(wire: pb.ImageSignature, field: string): ImageSignature {
  return {
    kind: readChoice(wire.kind, fieldAt(field, "kind"), signatureKinds),
    signature: readText(wire.signature, fieldAt(field, "signature"), {
      min: 1,
      max: KEY_LENGTH_MAX,
    }),
    key: parseWord(wire.key, fieldAt(field, "key")),
  };
}

export const isImageAction = (wire: WireAction): wire is WireImageAction =>
  wire.$case === "fetchImage" ||
  wire.$case === "importImage" ||
  wire.$case === "offerImage" ||
  wire.$case === "keepImage" ||
  wire.$case === "dropImage";

export function decodeImageAction(wire: WireImageAction, field: string): ImageAction {
  const at = (part: string): string => fieldAt(field, part);
  switch (wire.$case) {
    case "fetchImage":
      return {
        kind: "fetch-image",
        contents: decodeImageContents(
          required(wire.value.contents, at("contents")),
          at("contents"),
        ),
        sources: readList(
          wire.value.sources,
          { field: at("sources"), max: SOURCES_MAX },
          decodeSource,
        ),
      };
    case "importImage":
      return decodeImport(wire.value, field);
    case "offerImage":
      return {
        kind: "offer-image",
        digest: parseDigest(wire.value.digest, at("digest")),
        ticket: readLine(wire.value.ticket, at("ticket"), { min: 1, max: TICKET_LENGTH_MAX }),
        forMs: readCount(wire.value.forMs, at("forMs"), { min: 1 }),
      };
    case "keepImage":
      return {
        kind: "keep-image",
        digest: parseDigest(wire.value.digest, at("digest")),
        keep: wire.value.keep,
      };
    case "dropImage":
      return { kind: "drop-image", digest: parseDigest(wire.value.digest, at("digest")) };
    default:
      return assertNever(wire);
  }
}

function decodeImport(wire: pb.ImportImage, field: string): ImageAction {
  const at = (part: string): string => fieldAt(field, part);
  const { signature } = wire;
  return {
    kind: "import-image",
    source: decodeSource(required(wire.source, at("source")), at("source")),
    ...(wire.convertTo === ""
      ? {}
      : { convertTo: readChoice(wire.convertTo, at("convertTo"), imageFormats) }),
    ...(wire.expected === "" ? {} : { expected: parseDigest(wire.expected, at("expected")) }),
    ...(signature === undefined
      ? {}
      : {
          signature: {
            ...decodeImageSignature(signature, at("signature")),
            publicKey: readText(signature.publicKey, at("signature.publicKey"), {
              min: 1,
              max: KEY_LENGTH_MAX,
            }),
          },
        }),
  };
}

export function encodeImageAction(action: ImageAction): WireImageAction {
  switch (action.kind) {
    case "fetch-image": {
      const { contents, sources } = action;
      return {
        $case: "fetchImage",
        value: { contents: encodeImageContents(contents), sources: sources.map(encodeSource) },
      };
    }
    case "import-image": {
      const { source, convertTo = "", expected = "", signature } = action;
      return {
        $case: "importImage",
        value: {
          source: encodeSource(source),
          convertTo,
          expected,
          signature: signature === undefined ? undefined : { ...signature },
        },
      };
    }
    case "offer-image": {
      const { digest, ticket, forMs } = action;
      return { $case: "offerImage", value: { digest, ticket, forMs } };
    }
    case "keep-image":
      return { $case: "keepImage", value: { digest: action.digest, keep: action.keep } };
    case "drop-image":
      return { $case: "dropImage", value: { digest: action.digest } };
    default:
      return assertNever(action);
  }
}

/** RFC 3339 with a zone, as stored. */
export function readInstant(text: string, field: string): string {
  const at = Date.parse(text);
  if (
    /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text) &&
    !Number.isNaN(at)
  ) {
    return new Date(at).toISOString();
  }
  throw invalid(
    field,
    `${JSON.stringify(text.slice(0, 60))} is no time`,
    "2027-06-30 or 2027-06-30T12:00:00Z",
  );
}

/** `endorser`: of an image whose request names none. */
export function decodeImageBooks(wire: pb.ImageBooks, field: string, endorser: string): ImageBooks {
  const at = (part: string): string => fieldAt(field, part);
  const line = (part: "os" | "architecture" | "endorser"): string =>
    readLine(wire[part], at(part), { max: 100 });
  const text = (part: "recipe" | "description" | "deprecated"): string =>
    readText(wire[part], at(part), { max: TEXT_LENGTH_MAX });
  const deprecated = text("deprecated");
  return {
    name: parseName(wire.name, at("name")),
    version: parseImageVersion(wire.version, at("version")),
    channel: readChoice(wire.channel || "dev", at("channel"), imageChannels),
    os: line("os"),
    architecture: line("architecture"),
    endorser: line("endorser") || endorser,
    recipe: text("recipe"),
    description: text("description"),
    ...(wire.validUntil === ""
      ? {}
      : { validUntil: readInstant(wire.validUntil, at("validUntil")) }),
    ...(deprecated === "" ? {} : { deprecated }),
  };
}

export function encodeImageBooks(books: ImageBooks): pb.ImageBooks {
  const { name, version, channel, os, architecture, endorser, recipe, description } = books;
  return {
    ...{ name, version, channel, os, architecture, endorser, recipe, description },
    validUntil: books.validUntil ?? "",
    deprecated: books.deprecated ?? "",
  };
}

export function decodeImagePolicy(wire: pb.ImagePolicy, field: string): ImagePolicy {
  const list = { max: POLICY_LIST_MAX };
  const at = (part: string): string => fieldAt(field, part);
  const trustedKeys = readList(
    wire.trustedKeys,
    { field: at("trustedKeys"), max: 1_000 },
    (key, keyField): TrustedKey => ({
      name: parseWord(key.name, fieldAt(keyField, "name")),
      kind: readChoice(key.kind, fieldAt(keyField, "kind"), signatureKinds),
      publicKey: readText(key.publicKey, fieldAt(keyField, "publicKey"), {
        min: 1,
        max: KEY_LENGTH_MAX,
      }),
    }),
  );
  refuseDuplicates(
    trustedKeys.map(({ name }) => name),
    at("trustedKeys"),
  );
  const channels = readList(wire.channels, { field: at("channels"), ...list }, (word, wordField) =>
    readChoice(word, wordField, imageChannels),
  );
  if (channels.length === 0) {
    throw invalid(at("channels"), "no channel allows no image at all", "dev, prod or both");
  }
  return {
    channels,
    endorsers: readList(wire.endorsers, { field: at("endorsers"), ...list }, (text, textField) =>
      readLine(text, textField, { min: 1, max: 100 }),
    ),
    allowed: readList(wire.allowed, { field: at("allowed"), ...list }, parseDigest),
    denied: readList(wire.denied, { field: at("denied"), ...list }, parseDigest),
    requireSignature: wire.requireSignature,
    trustedKeys,
  };
}

export const encodeImagePolicy = (policy: ImagePolicy): pb.ImagePolicy => ({
  channels: [...policy.channels],
  endorsers: [...policy.endorsers],
  allowed: [...policy.allowed],
  denied: [...policy.denied],
  requireSignature: policy.requireSignature,
  trustedKeys: policy.trustedKeys.map((key) => ({ ...key })),
});
