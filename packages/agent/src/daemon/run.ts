/** `muster-agent run`: everything the daemon owns, in the order it starts; it stops in reverse. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { systemClock, systemRandom, type Logger } from "@muster/runtime";
import { Agent, type AgentParts } from "../agent.ts";
import { FileAssignmentStore } from "../assignments/assignment-store.ts";
import { loadIdentity } from "../enrolment/identity.ts";
import { LibvirtHypervisor } from "../hypervisor/libvirt/libvirt-hypervisor.ts";
import { collectInventory } from "../inventory/collect-inventory.ts";
import { LinuxSystem } from "../inventory/collect.ts";
import { FileJournal } from "../journal/file-journal.ts";
import { chooseNetworkDriver } from "../networks/choose-driver.ts";
import { processRunner } from "../networks/command-runner.ts";
import { VERSION } from "../version.ts";
import type { AgentConfig } from "./config.ts";
import { GrpcDialer } from "./grpc-dialer.ts";
import { IdentityKeeper } from "./identity-keeper.ts";
import { serveMetrics } from "./metrics-listener.ts";
import { startSchedules } from "./schedules.ts";

export interface Daemon extends AsyncDisposable {
  readonly agent: Agent;
  readonly hostName: string;
}

/** The ports that differ between a real host and a simulated one. */
export type HostPorts = Pick<AgentParts, "hypervisor" | "networks" | "inventory" | "load">;

export async function runAgent(config: AgentConfig, log: Logger): Promise<Daemon> {
  const stack = new AsyncDisposableStack();
  try {
    const started = await start(config, log, stack);
    return { ...started, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function start(
  config: AgentConfig,
  log: Logger,
  stack: AsyncDisposableStack,
): Promise<Pick<Daemon, "agent" | "hostName">> {
  const clock = systemClock;
  const identity = new IdentityKeeper({
    identity: await loadIdentity(config.dataDirectory),
    dataDirectory: config.dataDirectory,
    clock,
    log,
  });
  const { clusterId, hostName, hostId } = identity.current;
  await mkdir(config.dataDirectory, { recursive: true, mode: 0o700 });
  const journal = stack.use(await FileJournal.open(join(config.dataDirectory, "journal")));
  const ports = await openHost(config, log, stack, () => clusterId);
  const metrics = stack.use(await serveMetrics({ config, identity, log }));
  const agent = new Agent({
    ...ports,
    clock,
    random: systemRandom,
    log,
    journal,
    assignments: new FileAssignmentStore(join(config.dataDirectory, "assignments.json")),
    dialer: new GrpcDialer(identity),
    clusterId,
    agentVersion: VERSION,
    agentIncarnation: systemRandom.uuid(),
    migrationAddress: config.migrationAddress === "" ? hostName : config.migrationAddress,
    metricsAddress: metrics.advertised,
  });
  metrics.show(agent);
  await agent.start();
  stack.defer(() => agent.stop());
  const schedules = startSchedules({ agent, identity, log });
  stack.defer(() => schedules.stop());
  log.info({ version: VERSION, host: hostName, hostId, clusterId }, "agent ready");
  return { agent, hostName };
}

async function openHost(
  config: AgentConfig,
  log: Logger,
  stack: AsyncDisposableStack,
  clusterId: () => AgentParts["clusterId"],
): Promise<HostPorts> {
  const target = { uri: config.libvirtUri };
  const hypervisor = stack.use(
    await LibvirtHypervisor.open({ target, clock: systemClock, log, clusterId }),
  );
  const { driver, why } = await chooseNetworkDriver(config.networks, processRunner);
  log.info({ driver: driver.name, why }, "network driver chosen");
  const system = new LinuxSystem();
  return {
    hypervisor,
    networks: driver,
    inventory: () => collectInventory({ hypervisor, system, agentVersion: VERSION }),
    load: () => system.readLoad(),
  };
}
