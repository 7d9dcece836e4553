/**
 * Starts VMs again that are meant to run and do not: where they are, or elsewhere when their host is certain to be off.
 * Decisions are `ha/plan-restarts.ts`'s, taken once more in the transaction that claims the place.
 */
import {
  isActive,
  isEnded,
  isMusterError,
  MusterError,
  noRecovery,
  type HostId,
  type VmId,
  type VmRecord,
} from "@muster/model";
import type { Clock, Log, Reconciler } from "@muster/runtime";
import type { EventLog } from "../events/event-log.ts";
import { haSwitchOf } from "../ha/ha-switch.ts";
import {
  byPriority,
  planRestart,
  type RestartFacts,
  type RestartStep,
} from "../ha/plan-restarts.ts";
import { put, type Ledger } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import type { Observations, VmTransition } from "../observations/observations.ts";
import type { Accepted, OperationRunner } from "../operations/operation-runner.ts";
import type { RecoverVmParameters } from "../operations/recover-vm.ts";
import { clusterSnapshot, type CapacityPolicy } from "../planning/cluster-snapshot.ts";
import { changesInPlace, decideRecover } from "../planning/decide-recover.ts";

/** While VMs are down: a stop is settled for three seconds before anything is done about it. */
const BUSY_PERIOD_MS = 2_000;
/** While all is well: what stops is told by a poke, and every VM is looked at. */
const CALM_PERIOD_MS = 10_000;
/**
 * Restarts at once in the whole cluster. Higher, and hosts that took in many VMs starve those that run; lower only
 * delays the least important ones.
 */
const RESTARTS_AT_ONCE_MAX = 16;
const REQUESTED_BY = "muster";

export interface RestartVmsParts {
  readonly ledger: Ledger;
  readonly observations: Observations;
  readonly runner: OperationRunner;
  readonly capacity: CapacityPolicy;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly log: Log;
}

export class RestartVms implements Reconciler {
  readonly name = "restart-vms";
  readonly #parts: RestartVmsParts;
  /** Since when each VM that is meant to run has looked as it does. */
  readonly #looks = new Map<VmId, { readonly look: string; readonly sinceMs: number }>();
  readonly #refusals = new Map<VmId, MusterError>();

  constructor(parts: RestartVmsParts) {
    this.#parts = parts;
  }

  get periodMs(): number {
    return this.#looks.size > 0 ? BUSY_PERIOD_MS : CALM_PERIOD_MS;
  }

  /** True when somebody may have to start it again. */
  concerns({ vmId, after }: VmTransition): boolean {
    if (after !== undefined && isActive(after.state)) return this.#looks.has(vmId);
    return this.#parts.ledger.view.vms.get(vmId)?.wanted === "running";
  }

  /** Why there is no place for a VM that should be restarted; undefined: nobody has been asked, or there is one. */
  refusalOf(vmId: VmId): MusterError | undefined {
    return this.#refusals.get(vmId);
  }

  stepFor(vm: VmRecord): RestartStep {
    return planRestart(vm, this.#facts(this.#parts.ledger.view));
  }

  async reconcile(): Promise<void> {
    const { ledger } = this.#parts;
    const down = this.#look(ledger.view);
    const mode = haSwitchOf(ledger.view.cluster).mode;
    if (mode !== "armed") return;
    let free = RESTARTS_AT_ONCE_MAX - this.#activeCount(ledger.view);
    for (const vm of down.toSorted(byPriority)) {
      const step = planRestart(vm, this.#facts(ledger.view));
      if (step.kind === "now-stopped") await this.#stopped(vm);
      else if (step.kind === "give-up") await this.#giveUp(vm, step.message);
      else if ((step.kind === "in-place" || step.kind === "elsewhere") && free > 0) {
        if (await this.#restart(vm)) free -= 1;
      }
    }
  }

  #facts(view: LedgerView): RestartFacts {
    const { observations, clock } = this.#parts;
    return {
      view,
      stateOf: (hostId) => {
        const host = view.hosts.get(hostId);
        return host === undefined ? "unknown" : observations.stateOf(host);
      },
      observedOf: (hostId) => observations.get(hostId),
      activeOn: (vmId) => this.#activeOn(vmId),
      settledMs: (vmId) => {
        const seen = this.#looks.get(vmId);
        return seen === undefined ? 0 : clock.now() - seen.sinceMs;
      },
      wallMs: clock.wall().getTime(),
    };
  }

  /** Hosts that are there and say that it is active. */
  #activeOn(vmId: VmId): readonly HostId[] {
    const { observations } = this.#parts;
    return observations.hostsWith(vmId).filter((hostId) => {
      const host = observations.get(hostId);
      const seen = host?.vms.get(vmId);
      return host?.connected === true && seen?.managed === true && isActive(seen.state);
    });
  }

  /** VMs that are meant to run and are not seen to: remembers since when each has looked as it does. */
  #look(view: LedgerView): readonly VmRecord[] {
    const { observations, clock } = this.#parts;
    const down: VmRecord[] = [];
    for (const vm of view.vms.values()) {
      if (vm.wanted !== "running" || vm.placement === undefined) continue;
      const observed = observations.get(vm.placement.hostId);
      const seen = observed?.vms.get(vm.id);
      if (observed?.connected === true && seen !== undefined && isActive(seen.state)) continue;
      down.push(vm);
      const session = observations.sessionsOf(vm.placement.hostId);
      const look = [vm.operationId, session, observed?.reported, seen?.state, seen?.reason].join();
      if (this.#looks.get(vm.id)?.look === look) continue;
      this.#looks.set(vm.id, { look, sinceMs: clock.now() });
    }
    if (this.#looks.size > down.length) {
      const ids = new Set(down.map(({ id }) => id));
      for (const vmId of this.#looks.keys()) if (!ids.has(vmId)) this.#looks.delete(vmId);
      for (const vmId of this.#refusals.keys()) if (!ids.has(vmId)) this.#refusals.delete(vmId);
    }
    return down;
  }

  #activeCount(view: LedgerView): number {
    const operations = [...view.operations.values()];
    return operations.filter(({ type, state }) => type === "vm-recover" && !isEnded(state)).length;
  }

  async #restart(vm: VmRecord): Promise<boolean> {
    const { runner, log } = this.#parts;
    try {
      await runner.submit<RecoverVmParameters>({ requestId: "", type: "vm-recover" }, (view) =>
        this.#accept(view, vm.id),
      );
      this.#refusals.delete(vm.id);
      return true;
    } catch (error) {
      if (!isMusterError(error)) throw error;
      if (!this.#refusals.has(vm.id)) {
        log.warn({ vmId: vm.id, vm: vm.spec.name, err: error }, "vm cannot be restarted yet");
      }
      this.#refusals.set(vm.id, error);
      return false;
    }
  }

  /** In the ledger's turn: what was planned outside may be over by now. */
  #accept(view: LedgerView, vmId: VmId): Accepted<RecoverVmParameters> {
    const { observations, capacity, clock } = this.#parts;
    const vm = view.vms.get(vmId);
    const step = vm === undefined ? undefined : planRestart(vm, this.#facts(view));
    const isArmed = haSwitchOf(view.cluster).mode === "armed";
    if (vm === undefined || !isArmed || (step?.kind !== "in-place" && step?.kind !== "elsewhere")) {
      throw new MusterError("busy", `VM ${vm?.spec.name ?? vmId} is not to be restarted any more`);
    }
    const wallMs = clock.wall().getTime();
    const about = {
      type: "vm-recover",
      subject: `vm/${vm.spec.name}`,
      reason: step.because,
      requestedBy: REQUESTED_BY,
      requestId: "",
    };
    if (step.kind === "in-place") {
      const parameters = { vmId, define: false };
      const explanation = [`restarted where it is: ${step.because}`];
      return {
        operation: { ...about, parameters, explanation },
        changes: changesInPlace(vm, wallMs),
      };
    }
    const snapshot = clusterSnapshot(view, observations, capacity);
    const hostId = vm.placement?.hostId;
    const isAsked = hostId !== undefined && observations.get(hostId)?.connected === true;
    const { explanation, changes } = decideRecover(view, vm, { snapshot, wallMs, isAsked });
    const parameters = { vmId, define: true, ...(isAsked ? { leaveHostId: hostId } : {}) };
    return { operation: { ...about, parameters, explanation }, changes };
  }

  /** Its guest shut down: what is wanted follows, because people shut guests down from within. */
  async #stopped(vm: VmRecord): Promise<void> {
    const changed = await this.#change(vm, "now-stopped", (now) => ({ ...now, wanted: "stopped" }));
    if (!changed) return;
    this.#parts.log.info({ vmId: vm.id, vm: vm.spec.name }, "vm shut itself down");
  }

  async #giveUp(vm: VmRecord, message: string): Promise<void> {
    const at = this.#parts.clock.wall().toISOString();
    const changed = await this.#change(vm, "give-up", (now) => ({
      ...now,
      recovery: { ...(now.recovery ?? noRecovery), error: { message, at } },
    }));
    if (!changed) return;
    this.#parts.log.error({ vmId: vm.id, vm: vm.spec.name, why: message }, "vm is left in error");
    this.#parts.events.record({
      kind: "vm-error",
      subject: `vm/${vm.spec.name}`,
      message: `${message}; see why, then: muster ha reset ${vm.spec.name}`,
    });
  }

  #change(
    vm: VmRecord,
    kind: RestartStep["kind"],
    change: (vm: VmRecord) => VmRecord,
  ): Promise<boolean> {
    return this.#parts.ledger.transact((view) => {
      const now = view.vms.get(vm.id);
      if (now === undefined || planRestart(now, this.#facts(view)).kind !== kind) {
        return { changes: [], result: false };
      }
      return { changes: [put("vm", change(now))], result: true };
    });
  }
}
