/**
 * Listens on an address that the host may not have at the moment: an agent that finds its host cut off has to start all the
 * same, for it is the one who puts the address back.
 */
import type { Clock, Logger } from "@muster/runtime";

export interface LateListener<Listener> extends AsyncDisposable {
  /** Undefined: not yet. */
  readonly now: Listener | undefined;
}

/** Often enough that no scrape is missed once the address is there. */
const AGAIN_MS = 1_000;

const isMissingAddress = (error: unknown): boolean =>
  error instanceof Error &&
  error.cause instanceof Error &&
  "code" in error.cause &&
  error.cause.code === "EADDRNOTAVAIL";

/** Rejects when it cannot listen for another reason than that the host does not have the address. */
export async function listenWhenPossible<Listener extends { close(): Promise<void> }>(
  open: () => Promise<Listener>,
  { clock, log }: { readonly clock: Pick<Clock, "sleep">; readonly log: Pick<Logger, "warn"> },
): Promise<LateListener<Listener>> {
  const stop = new AbortController();
  let now: Listener | undefined;
  const attempt = async (): Promise<boolean> => {
    try {
      now = await open();
    } catch (error) {
      if (isMissingAddress(error)) return false;
      throw error;
    }
    return true;
  };
  const retry = async (): Promise<void> => {
    try {
      do await clock.sleep(AGAIN_MS, stop.signal);
      while (!(await attempt()));
    } catch (error) {
      if (!stop.signal.aborted) log.warn({ err: error }, "not listening");
    }
  };
  let retrying: Promise<void> = Promise.resolve();
  if (!(await attempt())) {
    log.warn({}, "the host does not have the address to listen on; listening when it has");
    retrying = retry();
  }
  return {
    get now() {
      return now;
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new Error("no longer wanted"));
      await retrying;
      await now?.close();
    },
  };
}
