/**
 * Tells systemd that we are ready, what we do and that we still live (units with Type=notify and WatchdogSec=).
 * Node has no datagram sockets of the unix kind, so `systemd-notify` speaks for us; hence NotifyAccess=all in the
 * units. Without NOTIFY_SOCKET, outside systemd, nothing happens.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Clock } from "./clock.ts";
import type { Log } from "./log-port.ts";

export interface ServiceNotifier {
  /** The daemon serves. `status` is shown by `systemctl status`. */
  ready(status: string): Promise<void>;
  /** The daemon ends because somebody asked it to. */
  stopping(): Promise<void>;
  /**
   * Feeds the watchdog while `isHealthy` says so, until the signal aborts. A daemon that hangs, or says it is not
   * well for a whole WatchdogSec, is killed and started again by systemd.
   */
  feedWatchdog(isHealthy: () => boolean, signal: AbortSignal): Promise<void>;
}

export interface ServiceNotifierParts {
  /** `process.env`: systemd's own interface. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
  /** Sends assignments such as "READY=1"; `systemd-notify` unless given. */
  readonly send?: (assignments: readonly string[]) => Promise<void>;
}

/** systemd waits a minute for READY; a notification that takes this long is lost anyway. */
const SEND_TIMEOUT_MS = 10_000;

const execute = promisify(execFile);

async function sendBySystemdNotify(assignments: readonly string[]): Promise<void> {
  await execute("systemd-notify", assignments, { timeout: SEND_TIMEOUT_MS });
}

/** Milliseconds between two signs of life: a third of what systemd allows. Undefined: no watchdog. */
export function watchdogIntervalMs(
  environment: Readonly<Record<string, string | undefined>>,
): number | undefined {
  const microseconds = Number(environment["WATCHDOG_USEC"] ?? "");
  return Number.isFinite(microseconds) && microseconds > 0 ? microseconds / 3000 : undefined;
}

export function createServiceNotifier(parts: ServiceNotifierParts): ServiceNotifier {
  const { environment, clock, log, send = sendBySystemdNotify } = parts;
  const isUnderSystemd = (environment["NOTIFY_SOCKET"] ?? "") !== "";

  /** A notification that fails is not worth ending for: systemd will say what it missed. */
  const notify = async (assignments: readonly string[]): Promise<void> => {
    if (!isUnderSystemd) return;
    try {
      await send(assignments);
    } catch (error) {
      log.warn({ err: error, assignments }, "could not notify systemd");
    }
  };

  return {
    ready: (status) => notify(["READY=1", `STATUS=${status.replaceAll("\n", " ")}`]),
    stopping: () => notify(["STOPPING=1"]),
    async feedWatchdog(isHealthy, signal) {
      const intervalMs = watchdogIntervalMs(environment);
      if (!isUnderSystemd || intervalMs === undefined) return;
      while (!signal.aborted) {
        if (isHealthy()) await notify(["WATCHDOG=1"]);
        else log.error({}, "not well: the watchdog is not fed");
        await clock.sleep(intervalMs, signal).catch((error: unknown) => {
          if (!signal.aborted) throw error;
        });
      }
    },
  };
}
