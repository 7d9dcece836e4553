/** What a VM's guest was told about itself, and what it said of its first boot. As it is stored. */
import type { VmId } from "./ids.ts";
import type { GuestStage } from "./link.ts";
import type { SeedFormat } from "./vm.ts";

/** A guest's line with when it was recorded. */
export interface RecordedStage extends GuestStage {
  /** RFC 3339. */
  readonly at: string;
}

export interface ContextRecord {
  readonly vmId: VmId;
  readonly format: SeedFormat;
  /** The whole context. Absent: it was forgotten together with its disk. Written by the API, removed by `vm-remove-seed`. */
  readonly sealedSecret?: string;
  /** Number of the key it is sealed with. */
  readonly secretKey: number;
  /** False: nobody waits for the guest to say anything. */
  readonly reports: boolean;
  /** The disk is taken out and wiped once the guest is configured. */
  readonly removeSeed: boolean;
  readonly timeoutMs: number;
  /** Written by `vm-remove-seed` only. */
  readonly seed: "present" | "removed";
  /** In the order of their numbers. Written from what the guest says. */
  readonly stages: readonly RecordedStage[];
  /** RFC 3339: by when it must be done. Absent: the VM has not run yet. Written by `watch-contexts`. */
  readonly deadline?: string;
  /** The time is over. Written by `watch-contexts`. */
  readonly timedOut?: true;
}

export type ContextState = "waiting" | "configuring" | "configured" | "failed" | "timed-out";

/** What is said later counts more: a guest that was late is configured all the same. */
export function contextStateOf(context: ContextRecord): ContextState {
  const last = context.stages.at(-1);
  if (context.stages.some(({ state }) => state === "failed")) return "failed";
  if (last?.stage === "central" && last.state !== "running") return "configured";
  if (context.timedOut === true) return "timed-out";
  return last === undefined ? "waiting" : "configuring";
}
