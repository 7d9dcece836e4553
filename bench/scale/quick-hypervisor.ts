/**
 * A hypervisor for thousands of agents in one process: it answers at once and costs next to nothing, so that what is
 * measured is the coordinator and the session. Only what the measurements use is there; the rest is refused.
 */
import {
  MusterError,
  type VmId,
  type VmObservation,
  type VmState,
  type VmUsage,
} from "@muster/model";
import { Mailbox } from "@muster/runtime";
import type {
  Hypervisor,
  PowerAction,
  VmChange,
  VmDefinition,
} from "../../packages/agent/src/hypervisor/hypervisor.ts";
import { usageAt } from "./vm-usage.ts";

const CHANGES_WAITING_MAX = 100_000;

const stateAfter: Readonly<Record<PowerAction, readonly [VmState, string]>> = {
  start: ["running", "booted"],
  shutdown: ["stopped", "shutdown"],
  destroy: ["stopped", "destroyed"],
  reboot: ["running", "booted"],
  reset: ["running", "booted"],
  pause: ["paused", "user"],
  resume: ["running", "unpaused"],
};

const refused = async (): Promise<never> => {
  throw new MusterError("wrong-state", "this hypervisor only exists to be measured with");
};

export class QuickHypervisor implements Hypervisor {
  readonly #vms: Map<VmId, VmObservation>;
  readonly #changes = new Mailbox<VmChange>(CHANGES_WAITING_MAX);
  /** Starts and stops of VMs that somebody ordered. */
  ordered = 0;

  constructor(vms: readonly VmObservation[]) {
    this.#vms = new Map(vms.map((vm) => [vm.id, vm]));
  }

  get vms(): ReadonlyMap<VmId, VmObservation> {
    return this.#vms;
  }

  /** Behind everybody's back, as virsh would. */
  change(vmId: VmId, action: PowerAction): void {
    const vm = this.#vms.get(vmId);
    if (vm === undefined) throw new Error(`there is no VM ${vmId}`);
    const [state, reason] = stateAfter[action];
    this.#vms.set(vmId, { ...vm, state, reason });
    this.#changes.put({ kind: "changed", vmId });
  }

  readonly watch: Hypervisor["watch"] = {
    list: async () => [...this.#vms.values()],
    observe: async (vmId) => this.#vms.get(vmId),
    sample: async () => {
      const seconds = performance.now() / 1_000;
      const usages = new Map<VmId, VmUsage>();
      let index = 0;
      for (const vm of this.#vms.values()) {
        if (vm.state === "running") usages.set(vm.id, usageAt(index, seconds));
        index += 1;
      }
      return usages;
    },
    changes: (signal) => this.#watch(signal),
    isAlive: async () => true,
  };

  readonly seeds: Hypervisor["seeds"] = {
    place: refused,
    remove: refused,
    openReports: refused,
  };

  readonly control: Hypervisor["control"] = {
    define: async (definition) => {
      this.#define(definition);
    },
    power: async (vmId, action) => {
      this.ordered += 1;
      this.change(vmId, action);
    },
    mark: async (vmId, generation) => {
      const vm = this.#vms.get(vmId);
      if (vm !== undefined) this.#vms.set(vmId, { ...vm, generation });
    },
    undefine: async (vmId) => {
      this.#vms.delete(vmId);
      this.#changes.put({ kind: "changed", vmId });
    },
    removeVolumes: async () => undefined,
  };

  readonly migration: Hypervisor["migration"] = {
    checkArrival: refused,
    migrate: refused,
    reattach: async () => undefined,
  };

  readonly console: Hypervisor["console"] = { open: refused };

  facts(): Promise<never> {
    return refused();
  }

  #define({ vmId, spec, generation }: VmDefinition): void {
    const before = this.#vms.get(vmId);
    this.#vms.set(vmId, {
      id: vmId,
      name: spec.name,
      state: before?.state ?? "stopped",
      reason: before?.reason ?? "",
      managed: true,
      generation,
      cpus: spec.cpus,
      memoryBytes: spec.memoryBytes,
      macs: spec.nics.map(({ mac }) => mac),
      migrating: false,
      persistent: true,
    });
    this.#changes.put({ kind: "changed", vmId });
  }

  async *#watch(signal: AbortSignal): AsyncGenerator<VmChange> {
    const leave = (): void => {
      this.#changes.end();
    };
    signal.addEventListener("abort", leave, { once: true });
    yield { kind: "gap" };
    yield* this.#changes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#changes.end();
  }
}
