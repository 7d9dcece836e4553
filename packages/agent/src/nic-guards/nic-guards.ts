/** What the agent needs to keep guests from forging addresses: one port, implemented for each kind of bridge. */
import type { NicGuard } from "./nic-guard.ts";

export interface NicGuards {
  /**
   * Makes the host enforce exactly these. Idempotent. A NIC whose port is not there yet is not a problem: what is not
   * there sends nothing.
   * @throws MusterError "network-failed" when they cannot be enforced, naming why
   */
  keep(guards: readonly NicGuard[]): Promise<void>;
  /** Calls back when ports come or go, until the signal aborts. Absent: ports are guarded before they exist. */
  watch?(onChange: () => void, signal: AbortSignal): Promise<void>;
}
