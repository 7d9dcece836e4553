/**
 * Starts, once a boot, the VMs that start with their host. It needs no coordinator: the assignments are on the disk. The
 * host's networks come first, because a VM is plugged into them.
 */
import type { NetworkSpec, VmAssignment } from "@muster/model";
import type { Clock, Log } from "@muster/runtime";
import type { Assigned } from "../assignments/assigned.ts";
import type { Hypervisor } from "../hypervisor/hypervisor.ts";
import { plugOf, type NicPlugs } from "../networks/network-driver.ts";
import type { BootStore } from "./boot-store.ts";
import { planAutostart } from "./plan-autostart.ts";

export interface AutostartParts {
  readonly hypervisor: Hypervisor;
  readonly networks: NicPlugs;
  /** Makes the host's networks as they are known to be good. */
  readonly restoreNetworks: () => Promise<void>;
  readonly boots: BootStore;
  readonly bootId: string;
  readonly assigned: () => Assigned | undefined;
  readonly assignedNetwork: (name: string) => NetworkSpec | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Storage and libvirt may come up after the agent. Longer than they take; then a person should look. */
const PATIENCE_MS = 10 * 60_000;
const RETRY_MS = 5_000;

export class AutostartTask {
  readonly #parts: AutostartParts;

  constructor(parts: AutostartParts) {
    this.#parts = parts;
  }

  /** Resolves when everything that should have started runs, or cannot, or the agent stops. */
  async run(signal: AbortSignal): Promise<void> {
    const { boots, bootId, clock, log } = this.#parts;
    try {
      if ((await boots.load()) === bootId) return;
      const untilMs = clock.now() + PATIENCE_MS;
      let isDone = await this.#pass("first");
      while (!isDone && clock.now() < untilMs) {
        await clock.sleep(RETRY_MS, signal);
        isDone = await this.#pass("again");
      }
      if (!isDone) log.error({}, "not every VM that starts with this host could be started");
      await boots.save(bootId);
    } catch (error) {
      if (!signal.aborted) log.error({ err: error }, "starting VMs after the boot failed");
    }
  }

  /** True when nothing is left to do. */
  async #pass(turn: "first" | "again"): Promise<boolean> {
    const { assigned, hypervisor, restoreNetworks, log } = this.#parts;
    const wanted = assigned();
    // Nothing known is not nothing wanted: the coordinator will say.
    if (wanted === undefined) return false;
    if (!wanted.vms.some((vm) => vm.autostart === true)) return true;
    try {
      await restoreNetworks();
      const { start, leave } = planAutostart(wanted.vms, await hypervisor.watch.list());
      for (const { vm, why } of turn === "first" ? leave : []) {
        log.warn({ vmId: vm.id, vm: vm.name, why }, "vm is not started with the host");
      }
      const outcomes = await Promise.all(start.map((vm) => this.#start(vm)));
      return outcomes.every(Boolean);
    } catch (error) {
      log.warn({ err: error }, "VMs cannot be started yet");
      return false;
    }
  }

  async #start(vm: VmAssignment): Promise<boolean> {
    const { hypervisor, networks, assignedNetwork, log } = this.#parts;
    try {
      for (const [index, nic] of vm.nics.entries()) {
        const network = assignedNetwork(nic.network);
        if (network === undefined) throw new Error(`network ${nic.network} is not assigned here`);
        await networks.plug(plugOf({ vmId: vm.id, index }, nic, network));
      }
      await hypervisor.control.power(vm.id, "start");
      log.info({ vmId: vm.id, vm: vm.name }, "vm started with the host");
      return true;
    } catch (error) {
      log.warn({ vmId: vm.id, vm: vm.name, err: error }, "vm could not be started with the host");
      return false;
    }
  }
}
