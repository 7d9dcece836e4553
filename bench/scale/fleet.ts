/**
 * Many agents in one process: the production agent with its session, reports, commands and real gRPC over mutual TLS,
 * one connection each. Only hypervisor, bridges and journal are in memory.
 */
import { subscribe } from "node:diagnostics_channel";
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import {
  KeptNetworkMemory,
  MemoryAssignmentStore,
  MemoryBootStore,
  MemoryJournal,
  MemoryLease,
  noStorageHeartbeats,
  SimulatedHostNetworks,
  SimulatedNetworkDriver,
  SimulatedImageCache,
  SimulatedImageDisk,
  SimulatedLibrary,
} from "@muster/agent/simulated";
import { fenceRunner, systemClock, systemRandom } from "@muster/runtime";
import { Agent } from "../../packages/agent/src/agent.ts";
import { GrpcDialer } from "../../packages/agent/src/daemon/grpc-dialer.ts";
import { IdentityKeeper } from "../../packages/agent/src/daemon/identity-keeper.ts";
import type { HostIdentity } from "../../packages/agent/src/enrolment/identity.ts";
import { inventoryOf, seenAs, vmIdOf } from "./cluster-plan.ts";
import type { Answered, Asked, FleetOrder, FleetQuestion, FleetStatus } from "./fleet-messages.ts";
import { QuickHypervisor } from "./quick-hypervisor.ts";

/** Often enough to see every answer at one heartbeat a second. */
const LOOK_MS = 400;
const CHURN_MS = 50;
const AFTER_CHANGE_MS = 100;

interface Host {
  readonly agent: Agent;
  readonly hypervisor: QuickHypervisor;
  lastAnswerMs: number;
}

const hosts = new Map<number, Host>();
const sockets = new Set<Socket>();
/** Of sockets that closed, and of everything before the last mark, negative. */
let bytesSent = 0;
let bytesReceived = 0;
let roundTripsMs: number[] = [];

subscribe("net.client.socket", (message) => {
  const { socket } = message as { readonly socket: Socket };
  sockets.add(socket);
  socket.once("close", () => {
    sockets.delete(socket);
    bytesSent += socket.bytesWritten;
    bytesReceived += socket.bytesRead;
  });
});

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const log = {
  ...quiet,
  warn: (fields: object, message: string) => {
    if (process.env["SCALE_LOG"] !== undefined) console.error(message, fields);
  },
};

async function start(order: FleetOrder): Promise<void> {
  const identities = JSON.parse(await readFile(order.identitiesPath, "utf8")) as HostIdentity[];
  for (let number = order.from; number <= order.to; number += 1) {
    const identity = identities[number - 1];
    if (identity === undefined) throw new Error(`there is no host ${String(number)}`);
    const vms = Array.from({ length: order.vmsPerHost }, (_, index) => seenAs(number, index));
    const hypervisor = new QuickHypervisor(vms);
    const keeper = new IdentityKeeper({
      identity,
      dataDirectory: "/nonexistent",
      clock: systemClock,
      log,
    });
    const agent = new Agent({
      clock: systemClock,
      random: systemRandom,
      log,
      hypervisor,
      networks: new SimulatedNetworkDriver(new SimulatedHostNetworks()),
      images: new SimulatedImageCache({
        host: identity.hostName,
        library: new SimulatedLibrary(),
        disk: new SimulatedImageDisk(),
        clock: systemClock,
      }),
      journal: new MemoryJournal(),
      assignments: new MemoryAssignmentStore(),
      networkMemory: new KeptNetworkMemory(),
      dialer: new GrpcDialer(keeper),
      inventory: async () => inventoryOf(number),
      load: async () => ({
        load1m: 20 + (number % 10),
        memoryAvailableBytes: BigInt(Math.floor(2 ** 38 + Math.random() * 2 ** 30)),
        cpuUsedRatio: Math.random(),
      }),
      guarding: {
        bootClock: { bootId: "bench", uptimeMs: () => systemClock.now() },
        leases: new MemoryLease(),
        boots: new MemoryBootStore(),
        fence: fenceRunner(),
        storageHeartbeats: noStorageHeartbeats,
      },
      clusterId: identity.clusterId,
      agentVersion: "0.1.0",
      agentIncarnation: systemRandom.uuid(),
      migrationAddress: identity.hostName,
      metricsAddress: "",
    });
    hosts.set(number, { agent, hypervisor, lastAnswerMs: 0 });
    await agent.start();
  }
}

function look(): void {
  for (const host of hosts.values()) {
    const answer = host.agent.heartbeats.lastAnswer;
    if (answer === undefined || answer.sentAtMs === host.lastAnswerMs) continue;
    host.lastAnswerMs = answer.sentAtMs;
    roundTripsMs.push(answer.roundTripMs);
  }
}

function sum(value: (host: Host) => number): number {
  let total = 0;
  for (const host of hosts.values()) total += value(host);
  return total;
}

function sumSockets(value: (socket: Socket) => number): number {
  let total = 0;
  for (const socket of sockets) total += value(socket);
  return total;
}

function mark(): void {
  roundTripsMs = [];
  bytesSent = -sumSockets((socket) => socket.bytesWritten);
  bytesReceived = -sumSockets((socket) => socket.bytesRead);
}

function statusNow(atNs: bigint): FleetStatus {
  const { user, system } = process.cpuUsage();
  return {
    agents: hosts.size,
    live: sum(({ agent }) => (agent.state.name === "live" ? 1 : 0)),
    opened: sum(({ agent }) => agent.counters.sessions),
    roundTripsMs: roundTripsMs.toSorted((left, right) => left - right),
    bytesSent: bytesSent + sumSockets((socket) => socket.bytesWritten),
    bytesReceived: bytesReceived + sumSockets((socket) => socket.bytesRead),
    reportsSent: {
      full: sum(({ agent }) => agent.reporter.sent.full),
      delta: sum(({ agent }) => agent.reporter.sent.delta),
    },
    ordered: sum(({ hypervisor }) => hypervisor.ordered),
    cpuSeconds: (user + system) / 1e6,
    atNs: String(atNs),
  };
}

function host(number: number): Host {
  const found = hosts.get(number);
  if (found === undefined) throw new Error(`host ${String(number)} is not in this fleet`);
  return found;
}

let churning: NodeJS.Timeout | undefined;

/** Pauses one VM and resumes another, here and there. */
function churn(perSecond: number): void {
  clearInterval(churning);
  if (perSecond === 0) return;
  const all = [...hosts.entries()];
  let due = 0;
  churning = setInterval(() => {
    for (due += (perSecond * CHURN_MS) / 1_000; due >= 1; due -= 1) {
      const chosen = all[Math.floor(Math.random() * all.length)];
      if (chosen === undefined) return;
      const [number, { hypervisor }] = chosen;
      const vmId = vmIdOf(number, Math.floor(Math.random() * hypervisor.vms.size));
      const vm = hypervisor.vms.get(vmId);
      if (vm !== undefined) hypervisor.change(vmId, vm.state === "paused" ? "resume" : "pause");
    }
  }, CHURN_MS);
}

async function answer(question: FleetQuestion): Promise<FleetStatus> {
  let atNs = process.hrtime.bigint();
  switch (question.kind) {
    case "start":
      await start(question.order);
      break;
    case "change":
      atNs = process.hrtime.bigint();
      host(question.host).hypervisor.change(vmIdOf(question.host, question.index), question.action);
      // Counting what all agents have done takes milliseconds, in which the event would wait.
      await new Promise((resolve) => setTimeout(resolve, AFTER_CHANGE_MS));
      break;
    case "churn":
      churn(question.perSecond);
      break;
    case "mark":
      mark();
      break;
    case "report":
      host(question.host).agent.reportSoon();
      break;
    case "stop":
      process.exit(0);
      break;
    case "status":
      break;
  }
  return statusNow(atNs);
}

setInterval(look, LOOK_MS);
process.on("disconnect", () => process.exit(0));
process.on("message", (message) => {
  const { id, question } = message as Asked;
  void answer(question).then(
    (status) => process.send?.({ id, status } satisfies Answered),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
