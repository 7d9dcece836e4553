/**
 * An image: contents that never change, named by their sha256, and the books that are kept about them. Several entries
 * of the books may name the same contents.
 */
import { invalid } from "./errors.ts";
import type { HostId, OperationId } from "./ids.ts";

/** SHA-256 of the contents as a VM reads them, unpacked; hexadecimal, lower case. */
export type ImageDigest = string;

export type ImageFormat = "raw" | "qcow2";

export const imageFormats: readonly ImageFormat[] = ["raw", "qcow2"];

/** How contents are packed where they lie. */
export type ImagePacking = "none" | "gz" | "xz" | "zst";

export const imagePackings: readonly ImagePacking[] = ["none", "gz", "xz", "zst"];

export type ImageChannel = "dev" | "prod";

export const imageChannels: readonly ImageChannel[] = ["dev", "prod"];

/** Where contents can be had. */
export type ImageLocation = UrlLocation | { readonly kind: "host"; readonly hostId: HostId };

export interface UrlLocation {
  readonly kind: "url";
  /** http, https or file; more than one: parts, in order. */
  readonly urls: readonly string[];
  readonly packing: ImagePacking;
  /** SHA-256 of what lies there, packed and joined; absent: not known. */
  readonly packedSha256?: string;
  /** The repository that named it: its credentials and proxy are used. */
  readonly repository?: string;
}

/** What is known once contents were read. */
export interface ImageContents {
  readonly digest: ImageDigest;
  readonly format: ImageFormat;
  readonly sizeBytes: bigint;
  /** What a guest sees. */
  readonly virtualSizeBytes: bigint;
}

export type SignatureKind = "minisign" | "gpg";

/** A detached signature of what lies at the first location, packed and joined. */
export interface ImageSignature {
  readonly kind: SignatureKind;
  /** The signature's text, armoured for gpg. */
  readonly signature: string;
  /** Name of the trusted key in the image policy. */
  readonly key: string;
}

/** What people say of an image. */
export interface ImageBooks {
  readonly name: string;
  readonly version: string;
  readonly channel: ImageChannel;
  /** "debian", "rocky"; empty: not said. */
  readonly os: string;
  /** "x86_64"; empty: not said. */
  readonly architecture: string;
  /** Who vouches for it. */
  readonly endorser: string;
  /** What it was made from; empty: not said. */
  readonly recipe: string;
  readonly description: string;
  /** RFC 3339; absent: for ever. */
  readonly validUntil?: string;
  /** Why; absent: it is not. */
  readonly deprecated?: string;
}

/** An image as it is stored. */
export interface ImageRecord extends ImageBooks {
  /** Absent until somebody has read them. */
  readonly contents?: ImageContents;
  /** In the order they are tried; hosts that only have it in their cache are not among them. */
  readonly locations: readonly ImageLocation[];
  /** What the contents must be named; said by a person or a manifest. Absent: whatever is found. */
  readonly expected?: ImageDigest;
  /** Name of the trusted key whose signature was good. Absent: it was not signed. */
  readonly signedBy?: string;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly createdBy: string;
  /** The operation that works on it. */
  readonly operationId?: OperationId;
}

/** A key whose signatures count. */
export interface TrustedKey {
  readonly name: string;
  readonly kind: SignatureKind;
  /** The minisign key's one line, or an armoured OpenPGP key. */
  readonly publicKey: string;
}

/** Which images VMs may be made of. */
export interface ImagePolicy {
  readonly channels: readonly ImageChannel[];
  /** None: anybody's. */
  readonly endorsers: readonly string[];
  /** Digests; none: all but the denied. */
  readonly allowed: readonly ImageDigest[];
  readonly denied: readonly ImageDigest[];
  readonly requireSignature: boolean;
  readonly trustedKeys: readonly TrustedKey[];
}

export const DEFAULT_IMAGE_POLICY: ImagePolicy = {
  channels: ["dev", "prod"],
  endorsers: [],
  allowed: [],
  denied: [],
  requireSignature: false,
  trustedKeys: [],
};

export const imageKey = ({ name, version }: Pick<ImageBooks, "name" | "version">): string =>
  `${name}:${version}`;

const DIGEST = /^[0-9a-f]{64}$/;

/** With or without "sha256:" before it. */
export function parseDigest(text: string, field: string): ImageDigest {
  const digest = text.toLowerCase().replace(/^sha256:/, "");
  if (DIGEST.test(digest)) return digest;
  const shown = JSON.stringify(text.slice(0, 80));
  throw invalid(field, `${shown} is not a sha256`, "64 hexadecimal digits, as sha256sum prints");
}

export const isDigest = (text: string): boolean => DIGEST.test(text);

const VERSION = /^[A-Za-z0-9]([A-Za-z0-9._+-]{0,61}[A-Za-z0-9])?$/;

/** "13", "2026.11.1": a file name's worth, so that it can be a path's last part. */
export function parseImageVersion(text: string, field: string): string {
  if (VERSION.test(text) && !text.includes("..")) return text;
  throw invalid(
    field,
    `${JSON.stringify(text.slice(0, 80))} is not a version`,
    "1 to 63 letters, digits, '.', '_', '+' and '-'",
  );
}

/** Of a host's image cache; written from its agent's reports only. */
export interface ImageCacheReport {
  /** Where other hosts fetch from it, "10.0.0.7:9178"; empty: it serves none. */
  readonly address: string;
  readonly usedBytes: bigint;
  /** Images that nothing uses are evicted above this. */
  readonly maxBytes: bigint;
  readonly images: readonly CachedImage[];
}

export interface CachedImage extends ImageContents {
  /** Disks that back on it. */
  readonly uses: number;
  /** Never evicted: the cluster has it from here. */
  readonly kept: boolean;
  /** RFC 3339. */
  readonly lastUsedAt: string;
  /** What is wrong with it; empty: nothing is known to be. */
  readonly problem: string;
}

/** Where a host gets contents from when it is told to fetch. */
export type FetchSource =
  | {
      readonly kind: "peer";
      readonly host: string;
      readonly address: string;
      readonly ticket: string;
    }
  | (Omit<UrlLocation, "repository"> & { readonly proxy?: string });

/** Work on a host's image cache. */
export type ImageAction =
  | {
      readonly kind: "fetch-image";
      readonly contents: ImageContents;
      /** Tried in order. */
      readonly sources: readonly FetchSource[];
    }
  | {
      /** Reads something nobody has named yet, judges it and takes it into the cache. */
      readonly kind: "import-image";
      readonly source: FetchSource;
      /** Absent: as it is found. */
      readonly convertTo?: ImageFormat;
      readonly expected?: ImageDigest;
      readonly signature?: ImageSignature & { readonly publicKey: string };
    }
  | {
      /** A peer that brings the ticket may read it for a while. */
      readonly kind: "offer-image";
      readonly digest: ImageDigest;
      readonly ticket: string;
      readonly forMs: number;
    }
  /** Whether the host may evict it. */
  | { readonly kind: "keep-image"; readonly digest: ImageDigest; readonly keep: boolean }
  /** Out of the cache; refused while a disk backs on it. */
  | { readonly kind: "drop-image"; readonly digest: ImageDigest };
