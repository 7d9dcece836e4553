import type { MotionOptions } from "./drain.ts";
import { evacuate, vmsOn, type EvacuationPlan } from "./evacuate.ts";
import { MoveBook } from "./move-book.ts";
import { DEFAULT_MOTION_LIMITS } from "./motion.ts";
import type { Snapshot } from "./snapshot.ts";

/** A restart reads nothing from the lost host, so its link is no limit. */
const RESTART_LIMITS = { outgoingPerHostMax: Infinity, incomingPerHostMax: 4 } as const;

/**
 * Where the VMs of lost hosts start again, the most important first. That the hosts are truly off is for the
 * caller to know: see safety rule S1.
 */
export function planRecovery(
  snapshot: Snapshot,
  lostHostIds: readonly string[],
  options: MotionOptions = {},
): EvacuationPlan {
  const lost = new Set(lostHostIds);
  const hosts = snapshot.hosts.map((host) =>
    lost.has(host.id) ? { ...host, state: "lost" as const } : host,
  );
  // A stand-by host must not be kept free for a second failure while the first is not mended.
  const { survive: _survive, ...policy } = snapshot.policy ?? {};
  const homeless = vmsOn(snapshot, lost);
  const restarting = new Set(homeless.map((vm) => vm.id));
  const vms = snapshot.vms.map((vm) =>
    restarting.has(vm.id) ? { ...vm, state: "stopped" as const } : vm,
  );
  const book = new MoveBook({ ...snapshot, hosts, vms, policy });
  const limits = { ...DEFAULT_MOTION_LIMITS, ...RESTART_LIMITS, ...options.limits };
  return evacuate(book, homeless, { limits, isLive: false });
}
