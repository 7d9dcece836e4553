/**
 * Live migration, peer-to-peer: the source's libvirtd drives it, so it goes on when the agent dies. What became of a
 * migration is decided by where the domain is, not by what the call returned.
 */
import {
  MusterError,
  type MigrateAction,
  type MigrationStats,
  type VmId,
  type VmSpec,
} from "@muster/model";
import type { Clock } from "@muster/runtime";
import { ConnectionLostError, type Domain, type MigrateOptions } from "node-libvirt";
import { parseDomain } from "../domain-xml/parse-domain.ts";
import { seedVolumeOf, volumeNameOf } from "../domain-xml/render-domain.ts";
import type { HypervisorLog, MigrationWatcher, VmMigration } from "../hypervisor.ts";
import { isSharedStorage } from "../../inventory/mounts.ts";
import type { Mount } from "../../inventory/system-facts.ts";
import { parseXml } from "../xml/parse-xml.ts";
import type { XmlElement } from "../xml/element.ts";
import {
  findDomain,
  isDeparting,
  requireDomain,
  requireOurs,
  type ClusterIdSource,
} from "./domain-handle.ts";
import { attempt, failedTo, unlessRefused } from "./libvirt-error.ts";
import { refuseTwin } from "./libvirt-control.ts";
import type { Connection, LibvirtLink } from "./libvirt-link.ts";
import { LibvirtStorage, poolPlace } from "./libvirt-storage.ts";
import { LibvirtMigrationJob, RESTART_WAIT_MS } from "./migration-job.ts";
import { checkReachable } from "./migration-target.ts";
import type { StorageTurns } from "./storage-turns.ts";
import { hasLeft, isArriving, migrationStatsFrom } from "./vm-state.ts";

/** Between two looks at a libvirtd that is restarting. */
const LOOK_AGAIN_MS = 250;

export class LibvirtMigration implements VmMigration {
  readonly #link: LibvirtLink;
  readonly #clock: Clock;
  readonly #log: HypervisorLog;
  readonly #clusterId: ClusterIdSource;
  readonly #readMounts: () => Promise<readonly Mount[]>;
  readonly #turns: StorageTurns;

  constructor(parts: {
    readonly link: LibvirtLink;
    readonly clock: Clock;
    readonly log: HypervisorLog;
    readonly clusterId: ClusterIdSource;
    readonly readMounts: () => Promise<readonly Mount[]>;
    readonly turns: StorageTurns;
  }) {
    this.#link = parts.link;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#clusterId = parts.clusterId;
    this.#readMounts = parts.readMounts;
    this.#turns = parts.turns;
  }

  async checkArrival(vmId: VmId, spec: VmSpec): Promise<void> {
    await attempt(`prepare for vm ${vmId} to arrive`, async () => {
      const connection = await this.#link.connection();
      const existing = await findDomain(connection, vmId);
      if (existing !== undefined) {
        await requireOurs(existing, this.#clusterId);
        await refuseActive(existing);
      }
      await refuseTwin(connection, vmId, spec.name);
      await this.#checkMachineType(connection, spec);
      const storage = new LibvirtStorage(connection, this.#turns);
      const mounts = await this.#readMounts();
      for (const [index, disk] of spec.disks.entries()) {
        const pool = await storage.pool(disk.storage);
        const name = volumeNameOf(vmId, index);
        if (await storage.hasVolume(pool, name)) continue;
        // A volume on a local storage is made and filled by the migration itself.
        if (!isSharedStorage(poolPlace(await pool.getXmlDesc()), mounts)) continue;
        const message = `this host does not see volume "${name}" on storage "${disk.storage}"`;
        throw new MusterError("storage-failed", message);
      }
      const [first] = spec.disks;
      if (spec.context === undefined || first === undefined) return;
      // libvirt has to know the seed, or it starts the VM here without one.
      await storage.hasVolume(await storage.pool(first.storage), seedVolumeOf(vmId));
    });
  }

  async migrate(action: MigrateAction, watcher: MigrationWatcher): Promise<MigrationStats> {
    const { vmId } = action;
    const connection = await this.#link.connection();
    const domain = await attempt(`migrate vm ${vmId}`, () => this.#departing(connection, vmId));
    const options = await attempt(`migrate vm ${vmId}`, () => this.#options(domain, action));
    watcher.onProgress("connecting", migrationStatsFrom({}));
    await checkReachable(action.targetUri, { clock: this.#clock, signal: watcher.signal });
    if (watcher.signal.aborted) throw cancelled(vmId);
    using job = this.#job(vmId, watcher, { downtimeLimitMs: action.downtimeLimitMs });
    const ended = new AbortController();
    // Progress that cannot be had is no failure of the migration.
    const following = job.follow(ended.signal).catch((error: unknown) => {
      this.#log.warn({ vmId, err: error }, "migration is no longer followed");
    });
    let failure: unknown;
    try {
      await domain.migrateToUri(action.targetUri, options);
    } catch (error) {
      failure = error;
    } finally {
      ended.abort();
      await following;
    }
    if (failure instanceof ConnectionLostError) await this.#outliveRestart(vmId, watcher);
    await this.#settle(vmId, watcher, failure);
    return job.stats;
  }

  async reattach(vmId: VmId, watcher: MigrationWatcher): Promise<MigrationStats | undefined> {
    const departing = await attempt(`look for a migration of vm ${vmId}`, async () => {
      const domain = await findDomain(await this.#link.connection(), vmId);
      return domain !== undefined && (await isDeparting(domain));
    });
    if (!departing) return undefined;
    using job = this.#job(vmId, watcher, { began: true });
    await job.follow(this.#link.closed);
    this.#link.closed.throwIfAborted();
    await this.#settle(vmId, watcher, undefined);
    return job.stats;
  }

  #job(
    vmId: VmId,
    watcher: MigrationWatcher,
    options: { readonly downtimeLimitMs?: number; readonly began?: boolean },
  ): LibvirtMigrationJob {
    const [link, clock, log] = [this.#link, this.#clock, this.#log];
    const { downtimeLimitMs = 0, began = false } = options;
    return new LibvirtMigrationJob({ vmId, link, clock, log, watcher, downtimeLimitMs, began });
  }

  async #departing(connection: Connection, vmId: VmId): Promise<Domain> {
    const domain = await requireDomain(connection, vmId);
    await requireOurs(domain, this.#clusterId);
    if (!(await domain.isActive())) {
      throw new MusterError("wrong-state", `cannot migrate vm ${vmId}: it is not running`);
    }
    if (isArriving(await domain.getState())) {
      throw new MusterError("busy", `vm ${vmId} is arriving on this host`);
    }
    return domain;
  }

  async #options(domain: Domain, action: MigrateAction): Promise<MigrateOptions> {
    const migrateDisks = action.copyStorage ? await this.#localDisks(domain) : [];
    const address = action.migrationAddress;
    const host = address.includes(":") && !address.startsWith("[") ? `[${address}]` : address;
    return {
      flags: [
        "live",
        "peer2peer",
        "persistDest",
        "undefineSource",
        "abortOnError",
        ...(action.autoConverge ? (["autoConverge"] as const) : []),
        ...(migrateDisks.length > 0 ? (["nonSharedDisk"] as const) : []),
        ...(action.tls ? (["tls"] as const) : []),
      ],
      ...(migrateDisks.length > 0 ? { migrateDisks } : {}),
      ...(action.bandwidthMibPerSecond > 0
        ? { bandwidth: BigInt(action.bandwidthMibPerSecond) }
        : {}),
      ...(address === "" ? {} : { migrateUri: `tcp://${host}` }),
    };
  }

  /** The disks a copy is needed of: libvirt by itself would copy those on shared storages as well. */
  async #localDisks(domain: Domain): Promise<readonly string[]> {
    const connection = await this.#link.connection();
    const storage = new LibvirtStorage(connection, this.#turns);
    const mounts = await this.#readMounts();
    const { disks } = parseDomain(await domain.getXmlDesc(), `domain XML of vm ${domain.uuid}`);
    const local: string[] = [];
    for (const { source, target } of disks) {
      if (source.kind !== "volume") continue;
      const pool = await storage.pool(source.storage);
      if (!isSharedStorage(poolPlace(await pool.getXmlDesc()), mounts)) local.push(target);
    }
    return local;
  }

  async #checkMachineType(connection: Connection, spec: VmSpec): Promise<void> {
    if (spec.machineType === undefined) return;
    const root = parseXml(await connection.getCapabilities(), "capabilities of this host");
    const known = machineTypesIn(root);
    if (known.has(spec.machineType)) return;
    const message = `this host does not support machine type "${spec.machineType}"`;
    throw new MusterError("hypervisor-failed", message);
  }

  /** Resolves when the guest has left; otherwise rejects with what is known of the reason. */
  async #settle(vmId: VmId, watcher: MigrationWatcher, failure: unknown): Promise<void> {
    const state = await this.#patiently(`look where vm ${vmId} is now`, async (connection) => {
      const domain = await findDomain(connection, vmId);
      return domain === undefined ? undefined : unlessRefused(domain.getState(), "noDomain");
    });
    if (state === undefined || hasLeft(state)) return;
    if (watcher.signal.aborted) throw cancelled(vmId, failure);
    if (failure !== undefined) throw migrationFailure(vmId, failure);
    const message = `the migration of vm ${vmId} ended, and the vm is still here: ${state.state}`;
    throw new MusterError("hypervisor-failed", message, { cause: new Error(state.reason) });
  }

  /** libvirtd died under the call; a new one may still have the job, or has given it up. */
  async #outliveRestart(vmId: VmId, watcher: MigrationWatcher): Promise<void> {
    this.#log.warn({ vmId }, "libvirt went away during a migration");
    const departing = await this.#patiently(`look for vm ${vmId} again`, async (connection) => {
      const domain = await findDomain(connection, vmId);
      return domain !== undefined && (await isDeparting(domain));
    });
    if (!departing) return;
    using job = this.#job(vmId, watcher, { began: true });
    await job.follow(this.#link.closed);
  }

  /** Asks again while libvirtd is on its way back. */
  async #patiently<Result>(
    doing: string,
    ask: (connection: Connection) => Promise<Result>,
  ): Promise<Result> {
    const giveUpAtMs = this.#clock.now() + RESTART_WAIT_MS;
    for (;;) {
      try {
        return await ask(await this.#link.connection(RESTART_WAIT_MS));
      } catch (error) {
        const failure = failedTo(doing, error);
        if (failure.code !== "unreachable" || this.#clock.now() > giveUpAtMs) throw failure;
      }
      await this.#clock.sleep(LOOK_AGAIN_MS, this.#link.closed);
    }
  }
}

function cancelled(vmId: VmId, cause?: unknown): MusterError {
  const message = `the migration of vm ${vmId} was cancelled`;
  return new MusterError("cancelled", message, cause === undefined ? {} : { cause });
}

function migrationFailure(vmId: VmId, failure: unknown): MusterError {
  const error = failedTo(`migrate vm ${vmId}`, failure);
  // The daemon that lost its connection gave up; that is a failure of this migration, not of reaching it.
  if (failure instanceof ConnectionLostError) {
    return new MusterError("hypervisor-failed", error.message, {
      cause: failure,
      hint: "libvirtd restarted during the migration; the VM runs on here",
    });
  }
  return error;
}

async function refuseActive(domain: Domain): Promise<void> {
  const [state, isActive] = await Promise.all([domain.getState(), domain.isActive()]);
  if (!isActive) return;
  const code = isArriving(state) ? "busy" : "wrong-state";
  throw new MusterError(code, `vm ${domain.uuid} is already active on this host`);
}

/** Anywhere in the document: under the architecture, or under one of its domain types. */
function machineTypesIn(root: XmlElement): ReadonlySet<string> {
  const own = root.name === "machine" ? [root.text.trim()] : [];
  return new Set([...own, ...root.children.flatMap((child) => [...machineTypesIn(child)])]);
}
