/** The outermost ring of a daemon: tells systemd, waits for somebody to end it, tells systemd again. */
import type { Clock } from "./clock.ts";
import type { Log } from "./log-port.ts";
import { createServiceNotifier } from "./service-notify.ts";

export interface ServiceParts {
  readonly clock: Clock;
  readonly log: Log;
  /** For `systemctl status`. */
  readonly status: string;
  readonly isHealthy: () => boolean;
  /** Resolves when the daemon cannot go on and is to begin anew. */
  readonly over?: Promise<Error>;
}

/** Resolves when the process was asked to end (SIGINT, SIGTERM), or with what ended it. */
export async function serveUntilAsked(parts: ServiceParts): Promise<Error | undefined> {
  const notifier = createServiceNotifier({ ...parts, environment: process.env });
  const stop = new AbortController();
  const asked = new Promise<undefined>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.once(signal, () => {
        resolve(undefined);
      });
    }
  });
  await notifier.ready(parts.status);
  const feeding = notifier.feedWatchdog(parts.isHealthy, stop.signal);
  const ended = await Promise.race([asked, ...(parts.over === undefined ? [] : [parts.over])]);
  await notifier.stopping();
  stop.abort(new Error("the service stops"));
  await feeding;
  return ended;
}
