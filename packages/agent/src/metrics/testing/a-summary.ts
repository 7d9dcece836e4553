/** An agent with something of everything, for tests of the metrics. */
import { GIB, parseVmId, type VmObservation } from "@muster/model";
import type { AgentSummary } from "../summary.ts";

export function aVmObservation(change: Partial<VmObservation> = {}): VmObservation {
  return {
    id: parseVmId("00000000-0000-4000-8000-000000000011"),
    name: "web-1",
    state: "running",
    reason: "booted",
    managed: true,
    generation: 1,
    cpus: 2,
    memoryBytes: 2n * GIB,
    macs: ["52:54:00:00:00:01"],
    usage: {
      cpuTimeNs: 12_500_000_000n,
      residentBytes: GIB,
      diskReadBytes: 1000n,
      diskWriteBytes: 2000n,
      diskReadRequests: 10n,
      diskWriteRequests: 20n,
      networkReceiveBytes: 300n,
      networkTransmitBytes: 400n,
    },
    migrating: false,
    persistent: true,
    ...change,
  };
}

export function anAgentSummary(): AgentSummary {
  const { usage: _usage, ...stopped } = aVmObservation({
    id: parseVmId("00000000-0000-4000-8000-000000000012"),
    name: 'wild "one"\n',
    state: "stopped",
    managed: false,
  });
  return {
    version: "0.1.0",
    libvirtAlive: true,
    vms: [
      { observation: aVmObservation() },
      { observation: stopped },
      {
        observation: aVmObservation({
          id: parseVmId("00000000-0000-4000-8000-000000000013"),
          name: "db-1",
          state: "paused",
        }),
        disks: [
          { device: "vda", readBytes: 1n, writeBytes: 2n, readRequests: 3n, writeRequests: 4n },
          { device: "vdb", readBytes: 5n, writeBytes: 6n, readRequests: 7n, writeRequests: 8n },
        ],
        nics: [{ device: "vnet3", receiveBytes: 9n, transmitBytes: 10n }],
      },
    ],
    load: { load1m: 0.5, memoryAvailableBytes: 4n * GIB, cpuUsedRatio: 0.25 },
    connected: true,
    sessions: 2,
    reportsSent: { full: 3, delta: 40 },
    messagesReceived: 17,
    commandsRunning: 1,
    commandsEnded: [{ kind: "start-vm", outcome: "succeeded", count: 5 }],
    journalEntries: 1,
    dhcpNetworks: { served: 1, failed: 0 },
    guardedNics: { kept: 3, failed: 1 },
    paths: [{ network: "blue", good: 2, bad: 1 }],
    networks: { ready: 2, failed: 0 },
    certificateSecondsLeft: 86_400,
    loops: [{ name: "full-resync", passes: 9, failures: 0 }],
  };
}
