/**
 * When the watchdog is fed and when guarded VMs are stopped. Pure.
 *
 * The coordinator may start guarded VMs elsewhere once the lease it granted, the watchdog's timeout twice and a margin
 * have passed. So without a valid lease the watchdog is fed only when no guarded VM is active, and otherwise the agent
 * stops them at once: it usually needs no more than that, and the watchdog ends what it cannot.
 */
import type { VmId } from "@muster/model";

export interface GuardFacts {
  /** Since boot. */
  readonly nowMs: number;
  readonly leaseEndsMs: number;
  /** Guarded VMs that hold their disks. Undefined: libvirt did not say. */
  readonly active: readonly VmId[] | undefined;
}

export interface GuardDecision {
  readonly feed: boolean;
  readonly stop: readonly VmId[];
}

/** A lease that is used to its last millisecond would leave no time to stop anything. */
export const LEASE_MARGIN_MS = 1_000;

export const isLeaseValid = ({
  nowMs,
  leaseEndsMs,
}: Pick<GuardFacts, "nowMs" | "leaseEndsMs">): boolean => nowMs < leaseEndsMs - LEASE_MARGIN_MS;

export function decideGuard(facts: GuardFacts): GuardDecision {
  if (isLeaseValid(facts)) return { feed: true, stop: [] };
  const { active } = facts;
  // What libvirt does not deny may be running.
  if (active === undefined) return { feed: false, stop: [] };
  return { feed: active.length === 0, stop: active };
}

/**
 * How often that is decided: five times in the watchdog's timeout, so that a slow pass costs nothing, and at least
 * every two seconds, so that a lease that ends is noticed.
 */
export const guardPeriodMs = (watchdogTimeoutMs: number): number =>
  Math.min(2_000, watchdogTimeoutMs / 5);
