/**
 * Which VMs are started again, where, and which are left alone. Pure. Restarting in place needs that the host says the
 * VM is off; anything else goes through `mayStartElsewhere` (S1).
 */
import {
  isActive,
  policyOf,
  type HostId,
  type HostState,
  type VmId,
  type VmRecord,
} from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";
import type { HostObservation } from "../observations/observations.ts";
import { mayStartElsewhere } from "./may-start-elsewhere.ts";
import { mayRestart } from "./restart-budget.ts";

export interface RestartFacts {
  readonly view: LedgerView;
  readonly stateOf: (hostId: HostId) => HostState;
  readonly observedOf: (hostId: HostId) => HostObservation | undefined;
  /** Hosts that are there and say that it is active. */
  readonly activeOn: (vmId: VmId) => readonly HostId[];
  /** How long the VM has been seen as it is now, with nobody working on it. */
  readonly settledMs: (vmId: VmId) => number;
  readonly wallMs: number;
}

export type RestartStep =
  /** All is well, or nobody asked for anything. */
  | { readonly kind: "none" }
  | { readonly kind: "in-place"; readonly because: string }
  | { readonly kind: "elsewhere"; readonly because: string }
  /** Its guest shut down by itself: from now on it is meant to be stopped. */
  | { readonly kind: "now-stopped" }
  | { readonly kind: "give-up"; readonly message: string }
  | { readonly kind: "wait"; readonly why: string };

/** Reports follow what they tell by moments; what was seen shorter than this may be about to change. */
export const SETTLED_MS = 3_000;

const wait = (why: string): RestartStep => ({ kind: "wait", why });
const nothing: RestartStep = { kind: "none" };

export function planRestart(vm: VmRecord, facts: RestartFacts): RestartStep {
  if (vm.wanted !== "running" || !vm.created || vm.placement === undefined) return nothing;
  if (vm.operationId !== undefined) return wait(`${vm.operationId} works on it`);
  const { hostId } = vm.placement;
  const observed = facts.observedOf(hostId);
  const policy = policyOf(vm.spec);
  const other = facts.activeOn(vm.id).find((id) => id !== hostId);
  if (other !== undefined) {
    return wait(`host ${facts.view.hosts.get(other)?.name ?? other} says that it runs there`);
  }
  if (facts.stateOf(hostId) !== "online") {
    if (policy.restart === "never") return nothing;
    const answer = mayStartElsewhere(vm, facts.view, observed);
    return answer.ok ? within(vm, facts, { kind: "elsewhere", ...answer }) : wait(answer.because);
  }
  const here = observed?.vms.get(vm.id);
  if (here !== undefined && (isActive(here.state) || here.migrating)) return nothing;
  if (facts.settledMs(vm.id) < SETTLED_MS) return wait("it has just stopped");
  if (here?.state === "stopped" && here.reason === "shutdown" && policy.restart !== "always") {
    return { kind: "now-stopped" };
  }
  if (policy.restart === "never") return nothing;
  if (here === undefined) {
    return within(vm, facts, { kind: "elsewhere", because: "its host does not have it" });
  }
  const because = `it is ${here.state} (${here.reason})`;
  const kind = vm.recovery?.failedHostId === hostId ? "elsewhere" : "in-place";
  return within(vm, facts, { kind, because });
}

/** The same, unless it was restarted too often or too recently. */
function within(vm: VmRecord, { wallMs }: RestartFacts, step: RestartStep): RestartStep {
  const answer = mayRestart(vm, policyOf(vm.spec), wallMs);
  switch (answer.kind) {
    case "now":
      return step;
    case "later":
      return wait(`it is restarted in ${String(Math.ceil(answer.inMs / 1_000))} s`);
    case "never":
      return vm.recovery?.error === undefined
        ? { kind: "give-up", message: answer.message }
        : wait(`in error: ${answer.message}`);
  }
}

/** The most important first; equals in the order of their names, so that a plan can be foretold. */
export const byPriority = (left: VmRecord, right: VmRecord): number =>
  policyOf(right.spec).priority - policyOf(left.spec).priority ||
  left.spec.name.localeCompare(right.spec.name);

/** VMs that a lost host would have to give up to others. */
export const strandedOn = (view: LedgerView, hostId: HostId): readonly VmRecord[] =>
  [...view.vmsOn(hostId).values()].filter(
    (vm) =>
      vm.placement?.hostId === hostId &&
      vm.wanted === "running" &&
      vm.created &&
      policyOf(vm.spec).restart !== "never",
  );
