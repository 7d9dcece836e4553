/** Makes room for images: evicts what nobody needs, and says how much is missing when that is not enough. */
import { statfs } from "node:fs/promises";
import { MusterError, renderSize } from "@muster/model";
import type { Clock, Log } from "@muster/runtime";
import type { CacheEntries } from "./cache-entries.ts";
import { planEviction } from "./plan-eviction.ts";
import type { Tickets } from "./tickets.ts";

export interface ImageRoomParts {
  readonly directory: string;
  readonly maxBytes: bigint;
  readonly entries: CacheEntries;
  readonly tickets: Tickets;
  readonly clock: Clock;
  readonly log: Log;
}

/** Stays free whatever is fetched: guests' disks grow on the same filesystem, and a full one stops them. */
const FREE_MIN_BYTES = 512n * 1024n ** 2n;
export class ImageRoom {
  readonly #parts: ImageRoomParts;
  #evictions = 0;

  constructor(parts: ImageRoomParts) {
    this.#parts = parts;
  }

  get evictions(): number {
    return this.#evictions;
  }

  /** Throws `storage-failed` with the numbers when the disk has no room for so much more. */
  async make(bytes: bigint): Promise<void> {
    const { directory, entries, maxBytes } = this.#parts;
    const short = async (): Promise<bigint> => {
      const { bavail, bsize } = await statfs(directory, { bigint: true });
      return bytes + FREE_MIN_BYTES - bavail * bsize;
    };
    const before = await short();
    const overLimit = entries.usedBytes + bytes - maxBytes;
    if (before <= 0n && overLimit <= 0n) return;
    await this.evict({ maxBytes: maxBytes > bytes ? maxBytes - bytes : 0n, shortBytes: before });
    const after = await short();
    if (after <= 0n) return;
    throw new MusterError("storage-failed", "the image cache's disk has no room for it", {
      reasons: [
        `${renderSize(bytes)} are needed beside ${renderSize(FREE_MIN_BYTES)} that stay free, ${renderSize(after)} are missing in ${directory}`,
      ],
      hint: "nothing was taken; free some space there, or remove images that no VM uses: muster image ls",
    });
  }

  async evict(wish: {
    readonly maxBytes: bigint;
    readonly ageMaxMs?: number;
    readonly shortBytes: bigint;
  }): Promise<void> {
    const { entries, tickets, clock, log } = this.#parts;
    const images = entries.all().map((entry) => ({
      ...entry,
      isUsed: entry.uses.size > 0 || tickets.isOffered(entry.digest),
    }));
    const nowMs = clock.wall().getTime();
    for (const digest of planEviction(images, { ...wish, nowMs })) {
      // Somebody may have taken it while others went.
      if ((entries.get(digest)?.uses.size ?? 1) > 0) continue;
      await entries.remove(digest);
      this.#evictions += 1;
      log.info({ image: digest }, "image evicted");
    }
  }
}
