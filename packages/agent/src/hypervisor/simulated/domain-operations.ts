/**
 * What a simulated libvirt does to domains, each as one step without waiting. Refusals are those of libvirt and of
 * the adapter together, as `../libvirt` gives them.
 */
import { MusterError, type ClusterId, type VmId, type VmSpec } from "@muster/model";
import type { PowerAction, VmDefinition } from "../hypervisor.ts";
import {
  currentConfig,
  isManaged,
  isOwner,
  newDomain,
  type DomainConfig,
  type LiveDomain,
  type SimulatedDomain,
} from "./simulated-domain.ts";
import type { SimulatedHost } from "./simulated-host.ts";
import type { SimulatedWorld } from "./simulated-world.ts";

/** Whose domains may be changed: all marked ones while the cluster is not known. */
export type Owner = { readonly clusterId: ClusterId | undefined };

export class DomainOperations {
  readonly #world: SimulatedWorld;
  readonly #host: SimulatedHost;

  constructor(parts: { readonly world: SimulatedWorld; readonly host: SimulatedHost }) {
    this.#world = parts.world;
    this.#host = parts.host;
  }

  define(definition: VmDefinition, owner: Owner): void {
    const { vmId, spec } = definition;
    const existing = this.#host.domains.get(vmId);
    if (existing !== undefined) this.#refuseWild(existing, owner);
    for (const other of this.#host.domains.values()) {
      if (other.vmId === vmId || currentConfig(other)?.spec.name !== spec.name) continue;
      const message = `host ${this.#host.name} already has another domain named "${spec.name}"`;
      throw new MusterError("already-exists", message);
    }
    this.#world.storages.createMissing(this.#host, vmId, spec);
    const domain = existing ?? newDomain(vmId);
    const { clusterId, generation, operationId } = definition;
    domain.config = { spec, mark: { clusterId, generation, operationId } };
    this.#host.domains.set(vmId, domain);
    this.#host.changed(vmId);
  }

  power(vmId: VmId, action: PowerAction, owner: Owner): void {
    const domain = this.#require(vmId);
    this.#refuseWild(domain, owner);
    if (domain.live?.incoming === true) {
      throw new MusterError("busy", `vm ${vmId} is arriving on host ${this.#host.name}`);
    }
    this.powerUnchecked(domain, action);
  }

  /** As `virsh` would: no mark is asked for. */
  powerUnchecked(domain: SimulatedDomain, action: PowerAction): void {
    switch (action) {
      case "start":
        this.#start(domain);
        return;
      case "shutdown":
        if (domain.live !== undefined) this.#pressPowerButton(domain.live);
        return;
      case "destroy":
        this.stop(domain, "destroyed");
        return;
      case "reboot":
        this.#reboot(this.#requireLive(domain, action));
        return;
      case "reset":
        this.#requireLive(domain, action).guest.reboot(this.#world.random.uuid());
        return;
      case "pause":
        this.#pause(domain, this.#requireLive(domain, action));
        return;
      case "resume":
        this.#resume(domain, this.#requireLive(domain, action));
        return;
    }
  }

  mark(vmId: VmId, generation: number, owner: Owner): void {
    const domain = this.#require(vmId);
    this.#refuseWild(domain, owner);
    if (domain.live?.job !== undefined || domain.live?.incoming === true) {
      throw new MusterError("busy", `vm ${vmId} is being migrated`, {
        cause: new Error("Timed out during operation: cannot acquire state change lock"),
      });
    }
    const marked = (config: DomainConfig): DomainConfig =>
      config.mark === undefined ? config : { ...config, mark: { ...config.mark, generation } };
    if (domain.config !== undefined) domain.config = marked(domain.config);
    if (domain.live !== undefined) domain.live.config = marked(domain.live.config);
    this.#host.changed(vmId);
  }

  undefine(vmId: VmId, owner: Owner): void {
    const domain = this.#host.domains.get(vmId);
    if (domain === undefined) return;
    this.#refuseWild(domain, owner);
    this.#refuseActive(domain, "undefine");
    this.#host.domains.delete(vmId);
    this.#host.changed(vmId);
  }

  removeVolumes(vmId: VmId, spec: VmSpec): void {
    const domain = this.#host.domains.get(vmId);
    if (domain !== undefined) this.#refuseActive(domain, "remove the volumes of");
    this.#world.storages.remove(this.#host, vmId, spec);
  }

  checkArrival(vmId: VmId, spec: VmSpec): void {
    const host = this.#host;
    const live = host.domains.get(vmId)?.live;
    if (live !== undefined) {
      const code = live.incoming ? "busy" : "wrong-state";
      throw new MusterError(code, `vm ${vmId} is already active on host ${host.name}`);
    }
    const machineType = spec.machineType;
    if (machineType !== undefined && !host.facts.machineTypes.includes(machineType)) {
      const message = `host ${host.name} does not support machine type "${machineType}"`;
      throw new MusterError("hypervisor-failed", message, {
        reasons: [`it supports ${host.facts.machineTypes.join(", ")}`],
      });
    }
    const missing = this.#world.storages.missing(host, vmId, spec);
    // A volume on a local storage is copied by the migration itself.
    if (missing !== undefined && this.#world.storages.isShared(host, missing.storage)) {
      const message = `host ${host.name} does not see volume "${missing.volume}" on storage "${missing.storage}"`;
      throw new MusterError("storage-failed", message);
    }
  }

  stop(domain: SimulatedDomain, reason: "shutdown" | "destroyed" | "crashed"): void {
    const live = domain.live;
    if (live === undefined) return;
    live.guest.pause();
    domain.live = undefined;
    domain.reason = reason;
    domain.crashed = reason === "crashed";
    if (domain.config === undefined) this.#host.domains.delete(domain.vmId);
    this.#host.changed(domain.vmId);
  }

  #start(domain: SimulatedDomain): void {
    if (domain.live !== undefined) return;
    const config = domain.config;
    if (config === undefined) throw this.#notFound(domain.vmId);
    const missing = this.#world.storages.missing(this.#host, domain.vmId, config.spec);
    if (missing !== undefined && config.mark !== undefined) {
      throw new MusterError(
        "hypervisor-failed",
        `failed to start vm ${domain.vmId} on host ${this.#host.name}`,
        { cause: new Error(`Storage volume not found: ${missing.volume}`) },
      );
    }
    const live: LiveDomain = {
      config,
      guest: this.#world.newGuest(domain.vmId),
      state: "running",
      incoming: false,
      startedAtMs: this.#world.clock.now(),
      job: undefined,
      shutdownPending: false,
      console: undefined,
    };
    domain.live = live;
    domain.reason = "booted";
    domain.crashed = false;
    live.guest.run();
    this.#world.checkOwnership(live, this.#host);
    this.#host.changed(domain.vmId);
  }

  #pressPowerButton(live: LiveDomain): void {
    const behaviour = this.#world.guestBehaviour(live);
    if (behaviour.ignoresShutdown) return;
    live.shutdownPending = true;
    if (live.state === "running") this.#world.letGuestShutDown(live.guest);
  }

  #reboot(live: LiveDomain): void {
    const behaviour = this.#world.guestBehaviour(live);
    if (behaviour.ignoresShutdown || live.state !== "running") return;
    this.#world.letGuestReboot(live.guest);
  }

  #pause(domain: SimulatedDomain, live: LiveDomain): void {
    if (live.state === "paused") return;
    live.state = "paused";
    live.guest.pause();
    domain.reason = "user";
    this.#host.changed(domain.vmId);
  }

  #resume(domain: SimulatedDomain, live: LiveDomain): void {
    if (live.state !== "paused") return;
    live.state = "running";
    live.guest.run();
    domain.reason = "unpaused";
    this.#host.changed(domain.vmId);
    if (live.shutdownPending) this.#world.letGuestShutDown(live.guest);
  }

  #requireLive(domain: SimulatedDomain, action: PowerAction): LiveDomain {
    if (domain.live !== undefined) return domain.live;
    const message = `cannot ${action} vm ${domain.vmId} on host ${this.#host.name}: it is not running`;
    throw new MusterError("wrong-state", message);
  }

  #require(vmId: VmId): SimulatedDomain {
    const domain = this.#host.domains.get(vmId);
    if (domain === undefined) throw this.#notFound(vmId);
    return domain;
  }

  #notFound(vmId: VmId): MusterError {
    return new MusterError("not-found", `host ${this.#host.name} has no vm ${vmId}`);
  }

  #refuseWild(domain: SimulatedDomain, owner: Owner): void {
    if (isManaged(currentConfig(domain), owner.clusterId)) return;
    const message = `vm ${domain.vmId} on host ${this.#host.name} is not managed here and is left alone`;
    throw new MusterError("forbidden", message);
  }

  #refuseActive(domain: SimulatedDomain, verb: string): void {
    if (domain.live === undefined) return;
    const doing = isOwner(domain) ? "active" : "arriving";
    const message = `cannot ${verb} vm ${domain.vmId} on host ${this.#host.name}: it is ${doing}`;
    throw new MusterError("wrong-state", message);
  }
}
