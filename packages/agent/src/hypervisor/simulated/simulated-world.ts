/**
 * Everything the simulated hypervisors of a cluster share: hosts, the links between them, volumes, guests and
 * migrations. It outlives the adapters (`simulated-hypervisor.ts`), as libvirt and QEMU outlive an agent, and it
 * watches rule S1: no disk ever has two running owners. The same clock and the same random give the same history.
 */
import {
  MusterError,
  type ClusterId,
  type MigrateAction,
  type VmId,
  type VmObservation,
  type VmSpec,
} from "@muster/model";
import type { Clock, Random } from "@muster/runtime";
import type { SystemProbe } from "../../inventory/system-facts.ts";
import type { PowerAction } from "../hypervisor.ts";
import { DomainOperations } from "./domain-operations.ts";
import type { Fault } from "./faults.ts";
import { ordinaryGuest, SimulatedGuest, type GuestBehaviour } from "./guest.ts";
import { hostFactsFrom, type SimulatedHostOptions } from "./host-options.ts";
import { hostOfUri } from "./host-of-uri.ts";
import { MigrationJob, type MigrationGround } from "./migration-job.ts";
import { Ownership, type Violation } from "./ownership.ts";
import {
  isOwner,
  newDomain,
  observationOf,
  type LiveDomain,
  type SimulatedDomain,
} from "./simulated-domain.ts";
import { ordinaryFirstBoot, type FirstBootLine } from "./simulated-reports.ts";
import { SimulatedHost } from "./simulated-host.ts";
import { SimulatedSystem } from "./simulated-system.ts";
import { WorldStorages } from "./world-storages.ts";

/** What `virsh` can do behind an agent's back. */
export type VirshCommand =
  "start" | "shutdown" | "destroy" | "suspend" | "resume" | "undefine" | "crash";

export interface WildVmOptions {
  readonly name: string;
  readonly memoryBytes?: bigint;
  readonly cpus?: number;
  readonly running?: boolean;
  readonly vmId?: VmId;
}

const REBOOT_MS = 1_000;

export class SimulatedWorld implements MigrationGround, AsyncDisposable {
  readonly clock: Clock;
  readonly random: Random;
  readonly storages = new WorldStorages();
  readonly #hosts = new Map<string, SimulatedHost>();
  readonly #cutLinks = new Set<string>();
  readonly #isolated = new Set<string>();
  readonly #behaviours = new Map<VmId, GuestBehaviour>();
  readonly #firstBoots = new Map<VmId, readonly FirstBootLine[]>();
  readonly #ownership = new Ownership(this.storages);
  readonly #closing = new AbortController();

  constructor(parts: { readonly clock: Clock; readonly random: Random }) {
    this.clock = parts.clock;
    this.random = parts.random;
  }

  /** Ends guests and migrations; nothing of the world keeps the process alive afterwards. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new MusterError("cancelled", "the simulated world was closed"));
  }

  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  addHost(options: SimulatedHostOptions): SimulatedHost {
    if (this.#hosts.has(options.name)) {
      throw new MusterError("already-exists", `there is already a host named ${options.name}`);
    }
    const facts = hostFactsFrom(options);
    const host = new SimulatedHost({ facts, uuid: this.random.uuid(), clock: this.clock });
    this.#hosts.set(host.name, host);
    return host;
  }

  get hosts(): readonly SimulatedHost[] {
    return [...this.#hosts.values()];
  }

  host(name: string): SimulatedHost {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new MusterError("not-found", `there is no host named ${name}`);
    return host;
  }

  system(hostName: string): SystemProbe {
    return new SimulatedSystem(this.host(hostName));
  }

  // Faults.

  powerCut(hostName: string): void {
    this.host(hostName).powerCut();
  }

  boot(hostName: string): void {
    this.host(hostName).boot();
  }

  libvirtd(hostName: string, action: "kill" | "start" | "restart" | "freeze" | "thaw"): void {
    const host = this.host(hostName);
    switch (action) {
      case "kill":
        host.killLibvirtd();
        return;
      case "start":
        host.startLibvirtd();
        return;
      case "restart":
        host.killLibvirtd();
        host.startLibvirtd();
        return;
      case "freeze":
        host.freezeLibvirtd();
        return;
      case "thaw":
        host.thawLibvirtd();
        return;
    }
  }

  cutLink(one: string, other: string): void {
    this.#cutLinks.add(linkName(this.host(one), this.host(other)));
  }

  healLink(one: string, other: string): void {
    this.#cutLinks.delete(linkName(this.host(one), this.host(other)));
  }

  /** Cuts a host off from all others. */
  isolate(hostName: string): void {
    this.#isolated.add(this.host(hostName).name);
  }

  rejoin(hostName: string): void {
    this.#isolated.delete(this.host(hostName).name);
  }

  isLinkUp(from: SimulatedHost, to: SimulatedHost): boolean {
    if (this.#isolated.has(from.name) || this.#isolated.has(to.name)) return false;
    return !this.#cutLinks.has(linkName(from, to));
  }

  inject(hostName: string, fault: Fault): void {
    this.host(hostName).faults.add(fault);
  }

  clearFaults(hostName: string): void {
    this.host(hostName).faults.clear();
  }

  /** Changes a domain behind everybody's back, marked or not. */
  virsh(hostName: string, vmId: VmId, command: VirshCommand): void {
    const host = this.host(hostName);
    const domain = host.domains.get(vmId);
    if (domain === undefined) throw new MusterError("not-found", `${hostName} has no vm ${vmId}`);
    const operations = new DomainOperations({ world: this, host });
    switch (command) {
      case "crash":
        operations.stop(domain, "crashed");
        return;
      case "undefine":
        domain.config = undefined;
        if (domain.live === undefined) host.domains.delete(vmId);
        host.changed(vmId);
        return;
      default: {
        const action: PowerAction = command === "suspend" ? "pause" : command;
        operations.powerUnchecked(domain, action);
      }
    }
  }

  defineWild(hostName: string, options: WildVmOptions): VmId {
    const host = this.host(hostName);
    const vmId = options.vmId ?? (this.random.uuid() as VmId);
    const spec: VmSpec = {
      name: options.name,
      cpus: options.cpus ?? 1,
      memoryBytes: options.memoryBytes ?? 1n << 30n,
      disks: [],
      nics: [],
      antiAffinityGroups: [],
    };
    host.domains.set(vmId, { ...newDomain(vmId), config: { spec, mark: undefined } });
    host.changed(vmId);
    if (options.running === true) this.virsh(hostName, vmId, "start");
    return vmId;
  }

  setGuest(vmId: VmId, change: Partial<GuestBehaviour>): void {
    this.#behaviours.set(vmId, { ...this.#behaviourOf(vmId), ...change });
  }

  // What is true.

  get violations(): readonly Violation[] {
    return this.#ownership.violations;
  }

  domains(hostName: string, clusterId?: ClusterId): readonly VmObservation[] {
    return [...this.host(hostName).domains.values()].flatMap(
      (domain) => observationOf(domain, clusterId) ?? [],
    );
  }

  /** Names of the hosts where it owns its disks; more than one is a violation. */
  runningOn(vmId: VmId): readonly string[] {
    return this.hosts.filter((host) => ownerOn(host, vmId) !== undefined).map(({ name }) => name);
  }

  guest(vmId: VmId): { readonly bootId: string; readonly count: number } | undefined {
    const guest = this.hosts.map((host) => ownerOn(host, vmId)).find((live) => live)?.guest;
    return guest === undefined ? undefined : { bootId: guest.bootId, count: guest.count };
  }

  volumes(hostName: string, storage: string): readonly string[] {
    return this.storages.list(this.host(hostName), storage);
  }

  // What domains and migrations need.

  newGuest(vmId: VmId): SimulatedGuest {
    return new SimulatedGuest({ vmId, bootId: this.random.uuid(), clock: this.clock });
  }

  guestBehaviour(live: LiveDomain): GuestBehaviour {
    return this.#behaviourOf(live.guest.vmId);
  }

  #behaviourOf(vmId: VmId): GuestBehaviour {
    return this.#behaviours.get(vmId) ?? ordinaryGuest;
  }

  /** What its guest will say of its first boot. */
  setFirstBoot(vmId: VmId, lines: readonly FirstBootLine[]): void {
    this.#firstBoots.set(vmId, lines);
  }

  firstBootOf(vmId: VmId): readonly FirstBootLine[] {
    return this.#firstBoots.get(vmId) ?? ordinaryFirstBoot;
  }

  letGuestShutDown(guest: SimulatedGuest): void {
    const { bootId, vmId } = guest;
    this.#later(this.#behaviourOf(vmId).shutdownMs, () => {
      const found = this.#findGuest(guest);
      if (found?.domain.live?.state !== "running" || guest.bootId !== bootId) return;
      new DomainOperations({ world: this, host: found.host }).stop(found.domain, "shutdown");
    });
  }

  letGuestReboot(guest: SimulatedGuest): void {
    this.#later(REBOOT_MS, () => {
      if (this.#findGuest(guest) !== undefined) guest.reboot(this.random.uuid());
    });
  }

  startMigration(source: SimulatedHost, action: MigrateAction): MigrationJob {
    const domain = source.domains.get(action.vmId);
    const live = domain?.live;
    if (domain === undefined) {
      throw new MusterError("not-found", `host ${source.name} has no vm ${action.vmId}`);
    }
    if (live === undefined) {
      const message = `cannot migrate vm ${action.vmId} from ${source.name}: it is not running`;
      throw new MusterError("wrong-state", message);
    }
    if (live.job !== undefined || live.incoming) {
      throw new MusterError(
        "busy",
        `vm ${action.vmId} on ${source.name} is already being migrated`,
      );
    }
    const target = hostOfUri(action.targetUri, this.hosts);
    if (target === undefined) {
      const message = `cannot reach libvirt at ${action.targetUri} from ${source.name}`;
      throw new MusterError("unreachable", message, { cause: new Error("No route to host") });
    }
    const job = new MigrationJob({ domain, live, source, target, action, ground: this });
    live.job = job;
    source.changed(action.vmId);
    job.start();
    return job;
  }

  refusal(job: MigrationJob): MusterError | undefined {
    const { target, source, action } = job;
    const because = (why: string): MusterError =>
      new MusterError("hypervisor-failed", `host ${target.name} cannot take vm ${action.vmId}`, {
        cause: new Error(why),
      });
    if (target === source) return because("Attempt to migrate guest to the same host");
    const fault = target.faults.take("check-arrival", action.vmId);
    if (fault?.kind === "fail") return because(fault.message ?? "a simulated fault");
    const { spec } = job.live.config;
    if (target.domains.get(action.vmId)?.live !== undefined) {
      return because("domain is already active");
    }
    if (target.facts.cpuModel !== source.facts.cpuModel && spec.cpuModel === undefined) {
      return because("the CPU is incompatible with host CPU");
    }
    for (const disk of spec.disks) {
      if (!target.facts.storages.some(({ name }) => name === disk.storage)) {
        return because(`Storage pool not found: ${disk.storage}`);
      }
      if (!action.copyStorage && !this.storages.isShared(target, disk.storage)) {
        return because("Unsafe migration: Migration without shared storage is unsafe");
      }
    }
    return undefined;
  }

  copyVolumes(job: MigrationJob): void {
    this.storages.createMissing(job.target, job.domain.vmId, withoutBases(job.live.config.spec));
  }

  checkOwnership(live: LiveDomain, host: SimulatedHost): void {
    this.#ownership.take({ live, host }, this.clock.now());
  }

  #findGuest(
    guest: SimulatedGuest,
  ): { readonly host: SimulatedHost; readonly domain: SimulatedDomain } | undefined {
    for (const host of this.hosts) {
      const domain = host.domains.get(guest.vmId);
      if (domain?.live?.guest === guest && !domain.live.incoming) return { host, domain };
    }
    return undefined;
  }

  /** Something that happens by itself, later, unless the world ends first. */
  #later(delayMs: number, event: () => void): void {
    void this.clock.sleep(delayMs, this.closed).then(event, (error: unknown) => {
      if (!this.closed.aborted) throw error;
    });
  }
}

const linkName = (one: SimulatedHost, other: SimulatedHost): string =>
  [one.name, other.name].sort().join(" ");

const ownerOn = (host: SimulatedHost, vmId: VmId): LiveDomain | undefined => {
  const domain = host.domains.get(vmId);
  return domain !== undefined && isOwner(domain) ? domain.live : undefined;
};

/** The copy needs no base of its own: its contents come from the source. */
const withoutBases = (spec: VmSpec): VmSpec => ({
  ...spec,
  disks: spec.disks.map(({ storage, sizeBytes }) => ({ storage, sizeBytes })),
});
