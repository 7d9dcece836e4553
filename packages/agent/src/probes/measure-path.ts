/** What a path between two hosts carries: how much is lost, and how large a frame may be. */
import { MTU_MIN_BYTES } from "@muster/model";
import type { PingAnswer } from "./ping.ts";

export interface PathMeasure {
  readonly sent: number;
  readonly received: number;
  /** Largest packet that came back; 0: none did. */
  readonly mtuBytes: number;
  readonly roundTripUs: number;
}

/** Three: one may be lost to chance, two of three are not. */
const COUNT = 3;

/** What any working path carries; what is only smaller is no use to a guest. */
const SMALL_BYTES = 128;

/** Steps in which the largest size is searched: to within 30 bytes of 9216. */
const SEARCH_STEPS = 8;

export type Echo = (packetBytes: number, count: number) => Promise<PingAnswer>;

/** A path that is well costs one round of full-size packets; only one that is not is looked at closely. */
export async function measurePath(mtu: number, echo: Echo): Promise<PathMeasure> {
  const full = await echo(mtu, COUNT);
  if (full.received > 0) return { sent: COUNT, mtuBytes: mtu, ...full };
  const small = await echo(SMALL_BYTES, COUNT);
  if (small.received === 0) return { sent: COUNT, mtuBytes: 0, ...small };
  return { sent: COUNT, mtuBytes: await largest(mtu, echo), ...small };
}

async function largest(mtu: number, echo: Echo): Promise<number> {
  // A host that was too busy to answer for a moment is no path that is too narrow.
  if ((await echo(mtu, 1)).received > 0) return mtu;
  let carried = SMALL_BYTES;
  let lost = mtu;
  let next = MTU_MIN_BYTES < mtu ? MTU_MIN_BYTES : Math.floor((carried + lost) / 2);
  for (let step = 0; step < SEARCH_STEPS && lost - carried > 1; step += 1) {
    const { received } = await echo(next, 1);
    if (received > 0) carried = next;
    else lost = next;
    next = Math.floor((carried + lost) / 2);
  }
  return carried;
}
