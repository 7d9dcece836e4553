/** How long the cluster waits before it acts by itself. */
export interface HaSettings {
  /** Silence after which a host is lost. */
  readonly lostAfterMs: number;
  /** How long a lease lasts. */
  readonly leaseMs: number;
}

/**
 * A session is given up after 15 s of silence, and an agent that lives dials again within a few seconds. Shorter, and a
 * slow switch is a dead host; longer, and VMs are down for longer.
 */
export const LOST_AFTER_MS = 30_000;

/**
 * A coordinator restarts and has its agents back within ten seconds; twice that, and a heartbeat on top, must not cost
 * a VM. Longer only delays recovery of hosts that have no fence device.
 */
export const LEASE_MS = 30_000;

export const haSettings: HaSettings = { lostAfterMs: LOST_AFTER_MS, leaseMs: LEASE_MS };

/**
 * On top of lease and watchdog: clocks of two machines drift apart by less than a hundredth, and messages and kernels
 * take their time.
 */
export const PROOF_MARGIN_MS = 5_000;
const DRIFT = 0.01;

export const withMargin = (durationMs: number): number =>
  durationMs * (1 + DRIFT) + PROOF_MARGIN_MS;
