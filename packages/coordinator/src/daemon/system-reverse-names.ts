/** Names of addresses as this machine's resolver has them: DNS, and /etc/hosts where the machine uses it. */
import { lookupService } from "node:dns/promises";
import { MusterError } from "@muster/model";
import type { Clock } from "@muster/runtime";
import type { ReverseNames } from "../virtual-clusters/public-names.ts";

/** Resolvers try a second server after five seconds; a person who boots a cluster waits for this. */
const DEADLINE_MS = 7_000;
/** A port has to be given to ask for a name; which one does not matter. */
const ANY_PORT = 22;

export const systemReverseNames = (clock: Clock): ReverseNames => ({
  async nameOf(address) {
    const answered = new AbortController();
    const late = clock.sleep(DEADLINE_MS, answered.signal).then((): never => {
      throw new MusterError("timeout", `no name server answered within ${String(DEADLINE_MS)} ms`);
    });
    try {
      return await Promise.race([lookUp(address), late]);
    } finally {
      answered.abort();
      late.catch(noted);
    }
  },
});

async function lookUp(address: string): Promise<string | undefined> {
  try {
    const { hostname } = await lookupService(address, ANY_PORT);
    return hostname === address ? undefined : hostname;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOTFOUND") return undefined;
    throw error;
  }
}

function noted(): void {
  // The answer came first.
}
