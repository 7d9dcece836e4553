/** The coordinator's configuration, parsed once into a complete value. */
import { hostname } from "node:os";
import { CONFIRM_TIMEOUT_DEFAULT_MS, invalid, MIB, parseName, parseSize } from "@muster/model";
import {
  COORDINATOR_PORT,
  FENCE_AGENTS_DIRECTORY,
  logLevels,
  parseRpcAddress,
  readConfig,
  renderRpcAddress,
  type ConfigSources,
  type Fields,
  type LogLevel,
} from "@muster/runtime";
import type { AuthorityPlace } from "../authority/shared-authority.ts";
import type { CapacityPolicy } from "../planning/cluster-snapshot.ts";
import { LEASE_MS, LOST_AFTER_MS, type HaSettings } from "../ha/ha-settings.ts";
import { auditRetention, type AuditRetention } from "../reconcilers/expire-audit.ts";
import type { SessionTimes } from "../sessions/host-session.ts";
import { checkStore, readAuthorityPlace, readStore, type StoreConfig } from "./config-store.ts";

export type { EtcdConfig, StoreConfig } from "./config-store.ts";

export interface CoordinatorConfig {
  readonly dataDirectory: string;
  readonly socketPath: string;
  readonly logLevel: LogLevel;
  readonly listen: { readonly host: string; readonly port: number };
  /** What agents are told to dial. */
  readonly agentAddresses: readonly string[];
  readonly metrics: { readonly host: string; readonly port: number };
  readonly capacity: CapacityPolicy;
  readonly audit: AuditRetention;
  readonly times: SessionTimes;
  readonly ha: HaSettings;
  readonly fenceAgentsDirectory: string;
  readonly migrationTls: boolean;
  readonly hostCertificateMs: number;
  /** Tells this coordinator from the others. */
  readonly name: string;
  readonly store: StoreConfig;
  readonly authority: AuthorityPlace;
}

const SECOND_MS = 1_000;
const DAY_MS = 24 * 3_600 * SECOND_MS;
export const METRICS_PORT = 7480;

const size = (text: string, field: string): string => {
  parseSize(text, field);
  return text;
};

const agentAddress = (text: string, field: string): string => {
  const address = parseRpcAddress(text);
  if (address.kind === "unix")
    throw invalid(field, "agents cannot dial a unix socket of another machine");
  return renderRpcAddress(address);
};

export function readCoordinatorConfig(sources: ConfigSources): CoordinatorConfig {
  const config = readFields(sources);
  checkStore(config.store);
  return config;
}

const readFields = (sources: ConfigSources): CoordinatorConfig =>
  readConfig(sources, (fields) => {
    const dataDirectory = fields.text("data-directory", { default: "/var/lib/muster/coordinator" });
    const store = readStore(fields);
    const certificates = fields.section("certificates", (section) =>
      readCertificates(section, { store, dataDirectory }),
    );
    return {
      dataDirectory,
      store,
      name: parseName(
        fields.text("name", { default: (hostname().split(".")[0] ?? "").toLowerCase() }),
        "name",
      ),
      ...certificates,
      socketPath: fields.text("socket", { default: "/run/muster/coordinator.sock" }),
      logLevel: fields.choice("log-level", logLevels, { default: "info" }),
      listen: fields.section("listen", (listen) => ({
        host: listen.text("host", { default: "::" }),
        port: listen.integer("port", { min: 0, max: 65_535, default: COORDINATOR_PORT }),
      })),
      agentAddresses: fields.textList("agent-addresses", { default: [], check: agentAddress }),
      metrics: fields.section("metrics", (metrics) => ({
        host: metrics.text("host", { default: "127.0.0.1" }),
        port: metrics.integer("port", { min: 0, max: 65_535, default: METRICS_PORT }),
      })),
      capacity: fields.section("capacity", readCapacity),
      audit: fields.section("audit", (audit) => ({
        // Less than a day, and the trail of a night is gone in the morning; ten years is what any law asks for.
        keepMs: audit.durationMs("keep", {
          min: DAY_MS,
          max: 3_650 * DAY_MS,
          default: auditRetention.keepMs,
        }),
        // A kilobyte each, in memory and in the store.
        entriesMax: audit.integer("entries-max", {
          min: 100,
          max: 1_000_000,
          default: auditRetention.entriesMax,
        }),
      })),
      times: fields.section("sessions", readTimes),
      ha: fields.section("ha", readHa),
      fenceAgentsDirectory: fields.text("fence-agents", { default: FENCE_AGENTS_DIRECTORY }),
      migrationTls: fields.section("migration", (migration) =>
        migration.flag("tls", { default: true }),
      ),
    };
  });

function readCertificates(
  fields: Fields,
  defaults: { readonly store: StoreConfig; readonly dataDirectory: string },
): Pick<CoordinatorConfig, "hostCertificateMs" | "authority"> {
  return {
    // Below a minute renewals would never end; above a year a stolen key of a forgotten host lives too long.
    hostCertificateMs: fields.durationMs("host-life", {
      min: 60 * SECOND_MS,
      max: 365 * DAY_MS,
      default: 30 * DAY_MS,
    }),
    authority: readAuthorityPlace(fields, defaults),
  };
}

function readCapacity(fields: Fields): CapacityPolicy {
  const reserved = fields.text("memory-reserved", { default: String(1024n * MIB), check: size });
  return {
    cpuOvercommit: fields.number("cpu-overcommit", { min: 0.1, max: 64, default: 4 }),
    memoryReservedBytes: /^\d/.test(reserved)
      ? parseSize(reserved, "capacity.memory-reserved")
      : 0n,
    vmsPerHostMax: fields.integer("vms-per-host-max", { min: 1, max: 10_000, default: 500 }),
  };
}

function readHa(fields: Fields): HaSettings {
  return {
    // Sessions are given up after three heartbeats; a host that is called lost sooner has not been missed yet.
    lostAfterMs: fields.durationMs("lost-after", {
      min: 2 * SECOND_MS,
      max: 3_600 * SECOND_MS,
      default: LOST_AFTER_MS,
    }),
    // Below two heartbeats every lost packet would stop VMs.
    leaseMs: fields.durationMs("lease", {
      min: 4 * SECOND_MS,
      max: 600 * SECOND_MS,
      default: LEASE_MS,
    }),
  };
}

function readTimes(fields: Fields): SessionTimes {
  return {
    heartbeatIntervalMs: fields.durationMs("heartbeat", {
      min: 500,
      max: 60 * SECOND_MS,
      default: 5 * SECOND_MS,
    }),
    fullReportIntervalMs: fields.durationMs("full-report", {
      min: 5 * SECOND_MS,
      max: 3_600 * SECOND_MS,
      default: 60 * SECOND_MS,
    }),
    sampleIntervalMs: fields.durationMs("sample", {
      min: SECOND_MS,
      max: 600 * SECOND_MS,
      default: 5 * SECOND_MS,
    }),
    // Shorter, and a host that only waits for a bond's partner is put back; longer, and the change of a network, which waits
    // a minute for a host that may need it twice, gives the host up.
    networkConfirmMs: fields.durationMs("network-confirm", {
      min: SECOND_MS,
      max: 25 * SECOND_MS,
      default: CONFIRM_TIMEOUT_DEFAULT_MS,
    }),
  };
}
