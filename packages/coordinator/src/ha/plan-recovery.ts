/** What is to be done about a host that is gone. Pure. */
import {
  isEnded,
  isGuarded,
  policyOf,
  type HaSwitch,
  type HostRecord,
  type HostState,
  type OperationRecord,
} from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";
import { strandedOn } from "./plan-restarts.ts";

export interface RecoveryFacts {
  readonly view: LedgerView;
  readonly state: HostState;
  readonly armed: HaSwitch;
  /** Why nobody is fenced now; undefined: no brake is on. */
  readonly brake: string | undefined;
  /** Until its watchdog must have acted; undefined: it has none. */
  readonly watchdogInMs: number | undefined;
  readonly wallMs: number;
}

export type RecoveryStep =
  | { readonly kind: "none" }
  | { readonly kind: "recover"; readonly because: string }
  | { readonly kind: "wait"; readonly why: string };

/** After a recovery that failed: a management board that does not answer is not asked ten times a minute. */
const RETRY_MS = 60_000;

const wait = (why: string): RecoveryStep => ({ kind: "wait", why });

export function planRecovery(host: HostRecord, facts: RecoveryFacts): RecoveryStep {
  const { view, state, armed, brake, watchdogInMs, wallMs } = facts;
  if (state !== "lost" && state !== "unknown") return { kind: "none" };
  const stranded = strandedOn(view, host.id);
  if (stranded.length === 0) {
    return host.off === undefined
      ? wait("no VM there is to be restarted elsewhere")
      : { kind: "none" };
  }
  const last = lastRecovery(view, host);
  if (last !== undefined && !isEnded(last.state)) return wait(`${last.id} works on it`);
  if (armed.mode !== "armed") return wait(`disarmed (${armed.mode}) by ${armed.changedBy}`);
  if (state === "unknown") return wait("it is not lost yet");
  if (host.off !== undefined) return wait("its VMs are restarted as there is room for them");
  if (brake !== undefined) return wait(brake);
  const hasDevice = (host.fenceDevices ?? []).length > 0;
  const guarded = stranded.some((vm) => isGuarded(policyOf(vm.spec)));
  const hint = `if it is off, say so: muster host fence ${host.name} --i-confirm-it-is-off`;
  if (!hasDevice && !(watchdogInMs !== undefined && guarded)) {
    const lacking = watchdogInMs === undefined ? "no armed watchdog" : "no VM its watchdog guards";
    return wait(`it has no fence device and ${lacking}; ${hint}`);
  }
  const retryInMs = last === undefined ? 0 : retryIn(last, wallMs);
  if (retryInMs > 0) {
    const seconds = String(Math.ceil(retryInMs / 1_000));
    return wait(`${last?.id ?? ""} failed; it is tried again in ${seconds} s; ${hint}`);
  }
  const count = stranded.length === 1 ? "1 VM" : `${String(stranded.length)} VMs`;
  return { kind: "recover", because: `it is lost with ${count} to be restarted` };
}

/** A clock that was set back must not put a retry off for longer than it ever is. */
const retryIn = (last: OperationRecord, wallMs: number): number =>
  Math.min(RETRY_MS, Date.parse(last.endedAt ?? "") + RETRY_MS - wallMs);

const lastRecovery = (view: LedgerView, host: HostRecord): OperationRecord | undefined =>
  [...view.operations.values()].findLast(
    ({ type, subject }) => type === "host-recover" && subject === `host/${host.name}`,
  );
