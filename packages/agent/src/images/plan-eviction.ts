/** Which images leave a cache. PURE. */
import type { ImageDigest } from "@muster/model";

export interface Evictable {
  readonly digest: ImageDigest;
  readonly sizeBytes: bigint;
  /** RFC 3339. */
  readonly lastUsedAt: string;
  readonly kept: boolean;
  readonly isUsed: boolean;
}

export interface EvictionWish {
  readonly maxBytes: bigint;
  /** Unused for longer than this it goes; absent: age does not matter. */
  readonly ageMaxMs?: number;
  readonly nowMs: number;
  /** Bytes that must become free on the disk, whatever the cache's own limit. */
  readonly shortBytes: bigint;
}

/** The longest unused first, and no more than it takes. What is used or kept stays, even if that is too much. */
export function planEviction(
  images: readonly Evictable[],
  { maxBytes, ageMaxMs, nowMs, shortBytes }: EvictionWish,
): readonly ImageDigest[] {
  let usedBytes = images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0n);
  let stillShort = shortBytes;
  const leaving: ImageDigest[] = [];
  const oldestFirst = images
    .filter(({ kept, isUsed }) => !kept && !isUsed)
    .toSorted((one, other) => Date.parse(one.lastUsedAt) - Date.parse(other.lastUsedAt));
  for (const { digest, sizeBytes, lastUsedAt } of oldestFirst) {
    const isOld = ageMaxMs !== undefined && nowMs - Date.parse(lastUsedAt) > ageMaxMs;
    if (!isOld && usedBytes <= maxBytes && stillShort <= 0n) continue;
    leaving.push(digest);
    usedBytes -= sizeBytes;
    stillShort -= sizeBytes;
  }
  return leaving;
}
