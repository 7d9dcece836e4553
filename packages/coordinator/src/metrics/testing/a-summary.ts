/** A small cluster with something of everything, for tests of the metrics. */
import { GIB, type MigrationStats } from "@muster/model";
import type { CoordinatorSummary, HostSummary } from "../summary.ts";

export const someStats: MigrationStats = {
  processedBytes: 3n * GIB,
  remainingBytes: GIB,
  totalBytes: 4n * GIB,
  bytesPerSecond: 100_000_000n,
  iteration: 2,
  dirtyBytesPerSecond: 5_000_000n,
  downtimeMs: 120,
  elapsedMs: 30_000,
};

export function aHostSummary(change: Partial<HostSummary> = {}): HostSummary {
  return {
    name: "h1",
    state: "online",
    cordoned: false,
    capacityCpus: 32,
    capacityMemoryBytes: 64n * GIB,
    claimedCpus: 4,
    claimedMemoryBytes: 8n * GIB,
    used: { cpus: 1.5, memoryBytes: 9n * GIB },
    vms: 2,
    wildVms: 1,
    watchdogTimeoutMs: 0,
    session: {
      connected: true,
      libvirtAlive: true,
      lastHeardSeconds: 0.8,
      messagesReceived: 120,
      messagesSent: 30,
      sessions: 1,
    },
    ...change,
  };
}

export function aCoordinatorSummary(): CoordinatorSummary {
  const { used: _used, ...neverReported } = aHostSummary({
    name: "h2",
    state: "joining",
    session: {
      connected: false,
      libvirtAlive: false,
      messagesReceived: 0,
      messagesSent: 0,
      sessions: 0,
    },
  });
  return {
    version: "0.1.0",
    clusterId: "00000000-0000-4000-8000-000000000001",
    hosts: [aHostSummary(), neverReported],
    ha: { isArmed: true, isBraked: false, vms: 2, vmsInError: 1 },
    vmsByState: new Map([
      ["running", 2],
      ["migrating", 1],
    ]),
    networks: [{ name: "blue", ready: 1, failed: 1 }],
    unusableNetworks: [{ network: "blue", host: "h2" }],
    macClashes: 1,
    firstBoots: new Map([["configuring", 1]]),
    virtualClusters: [{ name: "pc-171", state: "active", leaseSeconds: 3_600 }],
    operations: [{ type: "vm-migrate", state: "running", count: 1 }],
    stuck: [{ type: "vm-migrate", step: "move", count: 1 }],
    queued: 3,
    migrations: [
      { vm: "web-1", source: "h1", target: "h2", stats: someStats },
      { vm: "web-2", source: "h1", target: "h2" },
    ],
    plans: [{ kind: "rebalance", state: "proposed", count: 1 }],
    rebalance: {
      automation: "manual",
      score: 0.31,
      scorePossible: 0.12,
      movesPossible: 4,
      movesLastDay: 2,
    },
    reconcilers: [{ name: "host-liveness", passes: 10, failures: 1, lastDurationMs: 3 }],
  };
}
