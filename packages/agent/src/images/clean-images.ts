/** What the agent does with its image cache by the clock, and what it counts. */
import type { VmId } from "@muster/model";
import type { Log } from "@muster/runtime";
import type { Hypervisor } from "../hypervisor/hypervisor.ts";
import type { ImageCache, ImageCounters } from "./image-cache.ts";

export type CacheSummary = ImageCounters & { readonly usedBytes: bigint; readonly count: number };

export function summaryOf(images: ImageCache): CacheSummary {
  const { usedBytes, images: cached } = images.report();
  return { ...images.counters, usedBytes, count: cached.length };
}

interface CleanParts {
  readonly images: ImageCache;
  readonly hypervisor: Pick<Hypervisor, "watch">;
  readonly log: Log;
}

/** A disk whose VM neither libvirt nor the coordinator knows holds no image any more. */
async function cleanImages(
  { images, hypervisor }: CleanParts,
  assigned: readonly { readonly id: VmId }[],
): Promise<void> {
  const here = await hypervisor.watch.list();
  const known = new Set([...here, ...assigned].map(({ id }) => id));
  await images.clean((vmId) => known.has(vmId));
}

/** `assigned`: absent until it is known; nothing is cleaned before. */
export function cleanInBackground(
  parts: CleanParts,
  assigned: readonly { readonly id: VmId }[] | undefined,
): void {
  if (assigned === undefined) return;
  cleanImages(parts, assigned).catch((error: unknown) => {
    parts.log.warn({ err: error }, "the image cache could not be cleaned");
  });
}
