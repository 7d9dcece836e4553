/**
 * Joins a person's console with the Bulk stream that the agent opens for it. The agent dials out, so the person's
 * side waits here, under a ticket that only that agent was told, until its stream arrives.
 */
import { MusterError, type HostId } from "@muster/model";
import type { Clock, Link, Random } from "@muster/runtime";

export interface Bytes {
  readonly data: Uint8Array;
}

type BulkLink = Link<Bytes, Bytes>;

interface Waiting {
  readonly hostId: HostId;
  readonly arrived: (link: BulkLink) => void;
}

/** An agent that was told to open a console does so within a round trip and a libvirt call. */
const ARRIVAL_LIMIT_MS = 15_000;

export class Consoles {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #waiting = new Map<string, Waiting>();

  constructor(parts: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = parts.clock;
    this.#random = parts.random;
  }

  /** A ticket, and the agent's stream once it arrives. */
  expect(
    hostId: HostId,
    signal: AbortSignal,
  ): { readonly ticket: string; readonly arrival: Promise<BulkLink> } {
    const ticket = Buffer.from(this.#random.bytes(24)).toString("base64url");
    const settled = new AbortController();
    const arrived = new Promise<BulkLink>((resolve) => {
      this.#waiting.set(ticket, { hostId, arrived: resolve });
    });
    const late = async (): Promise<never> => {
      await this.#clock.sleep(ARRIVAL_LIMIT_MS, AbortSignal.any([signal, settled.signal]));
      throw new MusterError("timeout", "the host did not open the console in time");
    };
    const arrival = Promise.race([arrived, late()]).finally(() => {
      this.#waiting.delete(ticket);
      settled.abort();
    });
    return { ticket, arrival };
  }

  /** An agent's Bulk stream. Throws when nobody waits for it. */
  arrive(hostId: HostId, ticket: string, link: BulkLink): void {
    const waiting = this.#waiting.get(ticket);
    if (waiting?.hostId !== hostId) {
      throw new MusterError("not-found", "nobody waits for this stream any more");
    }
    waiting.arrived(link);
  }
}

/** Copies both ways until either side ends. When one breaks, the other is closed too: nobody is there any more. */
export async function splice(left: BulkLink, right: BulkLink): Promise<void> {
  const copy = async (from: BulkLink, to: BulkLink): Promise<void> => {
    for await (const { data } of from.incoming) to.send({ data });
    to.close();
  };
  try {
    await Promise.all([copy(left, right), copy(right, left)]);
  } finally {
    left.close();
    right.close();
  }
}
