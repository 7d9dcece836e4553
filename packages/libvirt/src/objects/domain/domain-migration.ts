import type { CallOptions } from "../../pending-call.ts";
import * as flags from "../../protocol/generated/flags.ts";
import { bitsOf } from "../../protocol/names.ts";
import { toTypedParameters, type ParametersOf } from "../../xdr/parameter-spec.ts";
import type { Session } from "../../session.ts";
import type { WithFlags } from "../call-flags.ts";
import { DomainJob } from "./domain-job.ts";
import { runManagedMigration } from "./managed-migration.ts";

/** VIR_MIGRATE_PARAM_* */
export const migrateParameters = {
  migrateUri: { field: "migrate_uri", kind: "string" },
  destinationName: { field: "destination_name", kind: "string" },
  destinationXml: { field: "destination_xml", kind: "string" },
  persistentXml: { field: "persistent_xml", kind: "string" },
  /** MiB/s. */
  bandwidth: { field: "bandwidth", kind: "ullong" },
  bandwidthPostcopy: { field: "bandwidth.postcopy", kind: "ullong" },
  bandwidthAvailSwitchover: { field: "bandwidth.avail.switchover", kind: "ullong" },
  graphicsUri: { field: "graphics_uri", kind: "string" },
  listenAddress: { field: "listen_address", kind: "string" },
  migrateDisks: { field: "migrate_disks", kind: "string", many: true },
  migrateDisksDetectZeroes: { field: "migrate_disks_detect_zeroes", kind: "string", many: true },
  disksPort: { field: "disks_port", kind: "int" },
  disksUri: { field: "disks_uri", kind: "string" },
  compression: { field: "compression", kind: "string", many: true },
  compressionMtLevel: { field: "compression.mt.level", kind: "int" },
  compressionMtThreads: { field: "compression.mt.threads", kind: "int" },
  compressionMtDthreads: { field: "compression.mt.dthreads", kind: "int" },
  compressionXbzrleCache: { field: "compression.xbzrle.cache", kind: "ullong" },
  compressionZlibLevel: { field: "compression.zlib.level", kind: "int" },
  compressionZstdLevel: { field: "compression.zstd.level", kind: "int" },
  autoConvergeInitial: { field: "auto_converge.initial", kind: "int" },
  autoConvergeIncrement: { field: "auto_converge.increment", kind: "int" },
  parallelConnections: { field: "parallel.connections", kind: "int" },
  tlsDestination: { field: "tls.destination", kind: "string" },
} as const;

export interface MigrateOptions
  extends WithFlags<flags.DomainMigrateFlag>, ParametersOf<typeof migrateParameters> {}

/** The hypervisor to migrate to. */
export interface MigrationTarget {
  readonly session: Session;
}

/** Moving a running domain to another host. */
export abstract class DomainMigration extends DomainJob {
  /**
   * virDomainMigrateToURI3 (1.1.0): the source daemon drives the whole migration ("peer2peer" is implied) and
   * connects to `destinationUri` itself. Resolves when the domain runs there. It has a connection of its own and no
   * deadline; abortJob() ends it, an aborted signal only stops the waiting.
   */
  async migrateToUri(destinationUri: string, options: MigrateOptions = {}): Promise<void> {
    const names = [...(options.flags ?? []), "peer2peer"] as const;
    const args = {
      dom: this.reference,
      dconnuri: destinationUri,
      params: toTypedParameters(migrateParameters, options),
      cookie_in: new Uint8Array(0),
      flags: bitsOf(flags.domainMigrateFlags, names),
    };
    await this.session.callLong("domainMigratePerform3Params", args, options);
  }

  /**
   * virDomainMigrate3 (1.1.0): this client drives the steps on both sides, so that only it must reach both daemons.
   * Rejects with the error of the step that failed; the domain then runs where it was.
   */
  async migrate(destination: MigrationTarget, options: MigrateOptions = {}): Promise<void> {
    const plan = {
      domain: this.reference,
      flags: bitsOf(flags.domainMigrateFlags, options.flags),
      params: toTypedParameters(migrateParameters, options),
      limits: { signal: options.signal, timeoutMs: options.timeoutMs },
    };
    await this.session.withConnection(options.signal, (source) =>
      destination.session.withConnection(options.signal, (target) =>
        runManagedMigration({ ...plan, source, destination: target }),
      ),
    );
  }

  /** virDomainMigrateSetMaxSpeed (0.9.0): MiB/s, also of a migration that is going on. */
  async migrateSetMaxSpeed(
    mebibytesPerSecond: bigint,
    options: WithFlags<flags.DomainMigrateMaxSpeedFlag> = {},
  ): Promise<void> {
    const bits = bitsOf(flags.domainMigrateMaxSpeedFlags, options.flags);
    const args = { dom: this.reference, bandwidth: mebibytesPerSecond, flags: bits };
    await this.session.call("domainMigrateSetMaxSpeed", args, options);
  }

  /** virDomainMigrateGetMaxSpeed (0.9.5): MiB/s. */
  async migrateGetMaxSpeed(
    options: WithFlags<flags.DomainMigrateMaxSpeedFlag> = {},
  ): Promise<bigint> {
    const bits = bitsOf(flags.domainMigrateMaxSpeedFlags, options.flags);
    const args = { dom: this.reference, flags: bits };
    return (await this.session.call("domainMigrateGetMaxSpeed", args, options)).bandwidth;
  }

  /** virDomainMigrateSetMaxDowntime (0.8.0): milliseconds the guest may stand still at the end. */
  async migrateSetMaxDowntime(milliseconds: bigint, options?: CallOptions): Promise<void> {
    const args = { dom: this.reference, downtime: milliseconds, flags: 0 };
    await this.session.call("domainMigrateSetMaxDowntime", args, options);
  }

  /** virDomainMigrateGetMaxDowntime (3.7.0): milliseconds. */
  async migrateGetMaxDowntime(options?: CallOptions): Promise<bigint> {
    const args = { dom: this.reference, flags: 0 };
    return (await this.session.call("domainMigrateGetMaxDowntime", args, options)).downtime;
  }

  /** virDomainMigrateStartPostCopy (1.3.3): the migration must have been started with "postcopy". */
  async migrateStartPostCopy(options?: CallOptions): Promise<void> {
    const args = { dom: this.reference, flags: 0 };
    await this.session.call("domainMigrateStartPostCopy", args, options);
  }

  /** virDomainMigrateSetCompressionCache (1.0.3): bytes. */
  async migrateSetCompressionCache(bytes: bigint, options?: CallOptions): Promise<void> {
    const args = { dom: this.reference, cacheSize: bytes, flags: 0 };
    await this.session.call("domainMigrateSetCompressionCache", args, options);
  }

  /** virDomainMigrateGetCompressionCache (1.0.3): bytes. */
  async migrateGetCompressionCache(options?: CallOptions): Promise<bigint> {
    const args = { dom: this.reference, flags: 0 };
    return (await this.session.call("domainMigrateGetCompressionCache", args, options)).cacheSize;
  }
}
