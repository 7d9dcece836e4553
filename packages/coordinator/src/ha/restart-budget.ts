/** How often and how soon a VM is restarted. Pure. Times are of the wall, because restarts are remembered for hours. */
import { noRecovery, type HaPolicy, type VmRecord, type VmRecovery } from "@muster/model";

/** The first restart is at once, the next after this, and so on twice as long each. */
const BACKOFF_FIRST_MS = 10_000;
const BACKOFF_MAX_MS = 10 * 60_000;

export type RestartAnswer =
  | { readonly kind: "now" }
  | { readonly kind: "later"; readonly inMs: number }
  | { readonly kind: "never"; readonly message: string };

/** Restarts that still count. A clock that was set back must not make a VM wait for its past to come again. */
export const recentRestarts = (
  { restartsMs }: VmRecovery,
  { windowMs }: HaPolicy,
  wallMs: number,
): readonly number[] =>
  restartsMs.map((at) => Math.min(at, wallMs)).filter((at) => wallMs - at < windowMs);

export function mayRestart(vm: VmRecord, policy: HaPolicy, wallMs: number): RestartAnswer {
  const recovery = vm.recovery ?? noRecovery;
  if (recovery.error !== undefined) return { kind: "never", message: recovery.error.message };
  const recent = recentRestarts(recovery, policy, wallMs);
  const last = recent.at(-1);
  if (last === undefined) return { kind: "now" };
  if (recent.length >= policy.restartsMax) {
    const minutes = String(Math.round(policy.windowMs / 60_000));
    const count = String(recent.length);
    return {
      kind: "never",
      message: `it was restarted ${count} times within ${minutes} minutes and is down again`,
    };
  }
  const backoffMs = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (recent.length - 1));
  const inMs = last + backoffMs - wallMs;
  return inMs <= 0 ? { kind: "now" } : { kind: "later", inMs };
}

export function withRestart(vm: VmRecord, policy: HaPolicy, wallMs: number): VmRecovery {
  const recent = recentRestarts(vm.recovery ?? noRecovery, policy, wallMs);
  return { restartsMs: [...recent, wallMs] };
}
