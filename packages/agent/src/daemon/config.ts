/** The agent's configuration, parsed once into a complete value. */
import { hostname } from "node:os";
import { parseSize } from "@muster/model";
import {
  FENCE_AGENTS_DIRECTORY,
  logLevels,
  readConfig,
  type ConfigSources,
  type Fields,
  type LogLevel,
} from "@muster/runtime";
import type { WatchdogConfig } from "../guard/device-watchdog.ts";
import { readNetworksConfig, type NetworksConfig } from "../networks/networks-config.ts";

export interface AgentConfig {
  readonly dataDirectory: string;
  readonly logLevel: LogLevel;
  readonly libvirtUri: string;
  /** Name or address other hosts send migrations to; empty: the name the host joined by. */
  readonly migrationAddress: string;
  readonly networks: NetworksConfig;
  /** How often a VM that moved here is announced once more; rounds 0: QEMU's own five times within a second do. */
  readonly announce: { readonly rounds: number; readonly intervalMs: number };
  /** Absent: this host has no watchdog, or muster must leave it alone. */
  readonly watchdog?: WatchdogConfig;
  /** Where the lease is kept for the next agent: in memory, gone with the boot. */
  readonly leaseFile: string;
  readonly fenceAgentsDirectory: string;
  readonly images: ImagesConfig;
  readonly metrics: {
    readonly host: string;
    readonly port: number;
    /** What Prometheus is told to scrape; empty: host and port. */
    readonly advertise: string;
  };
}

export interface ImagesConfig {
  readonly directory: string;
  /** Unused images are evicted above this. */
  readonly maxBytes: bigint;
  readonly ageMaxMs: number;
  /** Where other hosts fetch images; empty: this host gives none. */
  readonly host: string;
  readonly port: number;
  /** What other hosts are told; empty: the migration address and the port. */
  readonly advertise: string;
}

/** Beside the metrics' port. */
const IMAGES_PORT = 9_178;
const DAY_MS = 24 * 3_600_000;

/** libvirt-exporter's, so that firewalls of sites that had it need no change. */
const METRICS_PORT = 9_177;

export const readAgentConfig = (sources: ConfigSources): AgentConfig =>
  readConfig(sources, (fields) => ({
    dataDirectory: fields.text("data-directory", { default: "/var/lib/muster/agent" }),
    logLevel: fields.choice("log-level", logLevels, { default: "info" }),
    libvirtUri: fields.section("libvirt", (libvirt) =>
      libvirt.text("uri", { default: "qemu:///system" }),
    ),
    migrationAddress: fields.text("migration-address", { default: "" }),
    networks: fields.section("networks", readNetworksConfig),
    announce: fields.section("announce", (announce) => ({
      rounds: announce.integer("rounds", { min: 0, max: 100, default: 0 }),
      intervalMs: announce.integer("interval-ms", { min: 10, max: 10_000, default: 500 }),
    })),
    ...fields.section("watchdog", readWatchdog),
    leaseFile: fields.text("lease-file", { default: "/run/muster-agent/lease" }),
    fenceAgentsDirectory: fields.text("fence-agents", { default: FENCE_AGENTS_DIRECTORY }),
    images: fields.section("images", readImages),
    metrics: fields.section("metrics", (metrics) => ({
      host: metrics.text("host", { default: "127.0.0.1" }),
      port: metrics.integer("port", { min: 0, max: 65_535, default: METRICS_PORT }),
      advertise: metrics.text("advertise", { default: "" }),
    })),
  }));

function readImages(fields: Fields): ImagesConfig {
  const size = fields.text("size-max", { default: "64G", check: checkSize });
  return {
    directory: fields.text("directory", { default: "/var/lib/muster/images" }),
    maxBytes: parseSize(size, "images.size-max"),
    ageMaxMs: fields.durationMs("age-max", {
      min: DAY_MS,
      max: 3_650 * DAY_MS,
      default: 90 * DAY_MS,
    }),
    host: fields.text("host", { default: "0.0.0.0" }),
    port: fields.integer("port", { min: 0, max: 65_535, default: IMAGES_PORT }),
    advertise: fields.text("advertise", { default: "" }),
  };
}

function checkSize(text: string, field: string): string {
  parseSize(text, field);
  return text;
}

function readWatchdog(fields: Fields): { readonly watchdog?: WatchdogConfig } {
  const device = fields.text("device", { default: "" });
  const sysfs = fields.text("sysfs", { default: "/sys/class/watchdog/watchdog0" });
  return device === "" ? {} : { watchdog: { device, sysfs } };
}

export const machineName = (): string => hostname();
