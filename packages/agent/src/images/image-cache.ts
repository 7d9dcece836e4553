/**
 * What the agent needs of a place for images: contents named by their sha256, fetched once, never changed, and there for
 * as long as a disk backs on them. Implemented on a directory (`file-image-cache.ts`) and by a simulation
 * (`simulated-image-cache.ts`); one contract suite judges both.
 */
import type {
  FetchSource,
  ImageCacheReport,
  ImageContents,
  ImageDigest,
  ImageFormat,
  ImageSignature,
  VmId,
} from "@muster/model";

export interface FetchOrder {
  readonly contents: ImageContents;
  /** Tried in order. */
  readonly sources: readonly FetchSource[];
}

export interface ImportOrder {
  readonly source: FetchSource;
  readonly convertTo?: ImageFormat;
  readonly expected?: ImageDigest;
  readonly signature?: ImageSignature & { readonly publicKey: string };
}

export interface ImageWatcher {
  readonly signal: AbortSignal;
  /** For people, a few times a second at most. */
  readonly onProgress: (phase: string) => void;
}

/** A complete image, on disk. */
export interface ImageFile extends ImageContents {
  readonly path: string;
}

/** Which disk of which VM backs on an image. */
export interface ImageUse {
  readonly vmId: VmId;
  readonly diskIndex: number;
}

export interface ImageCounters {
  /** Fetches that found the image here. */
  readonly hits: number;
  readonly misses: number;
  readonly evictions: number;
  /** Bytes that came over the network or from a file, by where from. */
  readonly fetchedBytes: { readonly peer: number; readonly repository: number };
  /** Bytes given to other hosts. */
  readonly servedBytes: number;
}

export interface ImageCache {
  /** Returns once the contents are here, complete and verified. However many ask, they are fetched once. */
  fetch(order: FetchOrder, watcher: ImageWatcher): Promise<void>;
  /** Reads, judges, names and keeps something nobody has named yet. */
  import(order: ImportOrder, watcher: ImageWatcher): Promise<ImageContents>;
  /** From here on the image stays until `release`; that survives a crash. Throws `not-found` when it is not here. */
  hold(digest: ImageDigest, use: ImageUse): Promise<ImageFile>;
  /** All disks of the VM. */
  release(vmId: VmId): Promise<void>;
  offer(digest: ImageDigest, ticket: string, forMs: number): void;
  keep(digest: ImageDigest, keep: boolean): Promise<void>;
  /** Throws `wrong-state` while a disk backs on it. Fine when it is not here. */
  drop(digest: ImageDigest): Promise<void>;
  report(): ImageCacheReport;
  readonly counters: ImageCounters;
  /** Evicts what is too much or too old, looks for damage, forgets disks of VMs that `isKnown` denies. */
  clean(isKnown: (vmId: VmId) => boolean): Promise<void>;
}
