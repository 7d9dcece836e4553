/** When a host is unknown, when it is lost, and when its watchdog must have acted. Pure. */
import type { HostRecord, HostState } from "@muster/model";
import { withMargin } from "./ha-settings.ts";

export interface HostSigns {
  readonly connected: boolean;
  readonly reported: boolean;
  readonly connectedBefore: boolean;
  /** Since it was last heard, or since this coordinator began to listen. */
  readonly silentMs: number;
}

export function hostState(signs: HostSigns, lostAfterMs: number): HostState {
  if (signs.connected && signs.reported) return "online";
  if (!signs.connectedBefore) return "joining";
  return !signs.connected && signs.silentMs >= lostAfterMs ? "lost" : "unknown";
}

/**
 * The moment from which it is certain that a silent host's watchdog has acted or its agent has stopped every guarded
 * VM: the last lease has ended, and the watchdog, fed at most once more by a process that was stopped between looking
 * at the clock and feeding, has run out twice. Undefined: it has no watchdog, and no time is enough.
 *
 * @param grantedAtMs when a request for a lease was last answered; a coordinator that has answered none since it began
 * gives the moment it began, because its predecessor may have answered one until then.
 */
export function watchdogActedAtMs(
  host: Pick<HostRecord, "watchdog">,
  grantedAtMs: number,
): number | undefined {
  const { watchdog } = host;
  if (watchdog === undefined) return undefined;
  return grantedAtMs + withMargin(watchdog.leaseMs + 2 * watchdog.timeoutMs);
}
