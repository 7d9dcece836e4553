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
}

/** Resolves when the process was asked to end (SIGINT, SIGTERM). */
export async function serveUntilAsked(parts: ServiceParts): Promise<void> {
  const notifier = createServiceNotifier({ ...parts, environment: process.env });
  const stop = new AbortController();
  const asked = new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.once(signal, () => {
        resolve();
      });
    }
  });
  await notifier.ready(parts.status);
  const feeding = notifier.feedWatchdog(parts.isHealthy, stop.signal);
  await asked;
  await notifier.stopping();
  stop.abort(new Error("the service stops"));
  await feeding;
}
