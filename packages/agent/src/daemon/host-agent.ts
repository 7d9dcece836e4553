/** The agent of one host, put together and started. What it touches of the machine is given: real or simulated. */
import { systemClock, systemRandom, type Logger } from "@muster/runtime";
import { Agent } from "../agent.ts";
import type { AgentParts } from "../agent-parts.ts";
import { FileAssignmentStore } from "../assignments/assignment-store.ts";
import { FileNetworkMemory } from "../assignments/network-memory.ts";
import { FileBootStore } from "../autostart/boot-store.ts";
import { assignmentsPath, bootPath, journalPath, networkMemoryPath } from "../data-directory.ts";
import { FileJournal } from "../journal/file-journal.ts";
import { VERSION } from "../version.ts";
import { GrpcDialer } from "./grpc-dialer.ts";
import type { IdentityKeeper } from "./identity-keeper.ts";
import { startSchedules } from "./schedules.ts";

/** The ports that differ between a real host and a simulated one. */
export type HostPorts = Pick<
  AgentParts,
  | "hypervisor"
  | "arriving"
  | "networks"
  | "images"
  | "probing"
  | "addressProber"
  | "dhcp"
  | "guards"
  | "inventory"
  | "load"
> & {
  readonly guarding: Omit<AgentParts["guarding"], "boots">;
};

export interface HostAgentParts {
  readonly ports: HostPorts;
  readonly identity: IdentityKeeper;
  /** Exists; holds journal and assignments. */
  readonly dataDirectory: string;
  /** Name or address other hosts send migrations to; empty: the name the host joined by. */
  readonly migrationAddress: string;
  /** Empty: it serves none that Prometheus should know of. */
  readonly metricsAddress: string;
  readonly log: Logger;
}

/** What was started is stopped with the stack, the newest first. */
export async function startHostAgent(
  parts: HostAgentParts,
  stack: AsyncDisposableStack,
): Promise<Agent> {
  const { ports, identity, dataDirectory, migrationAddress, metricsAddress, log } = parts;
  const { clusterId, hostName, hostId } = identity.current;
  const journal = stack.use(await FileJournal.open(journalPath(dataDirectory)));
  const agent = new Agent({
    ...ports,
    guarding: { ...ports.guarding, boots: new FileBootStore(bootPath(dataDirectory)) },
    clock: systemClock,
    random: systemRandom,
    log,
    journal,
    assignments: new FileAssignmentStore(assignmentsPath(dataDirectory)),
    networkMemory: new FileNetworkMemory(networkMemoryPath(dataDirectory)),
    dialer: new GrpcDialer(identity),
    clusterId,
    agentVersion: VERSION,
    agentIncarnation: systemRandom.uuid(),
    migrationAddress: migrationAddress === "" ? hostName : migrationAddress,
    metricsAddress,
  });
  await agent.start();
  stack.defer(() => agent.stop());
  const schedules = startSchedules({ agent, identity, log });
  stack.defer(() => schedules.stop());
  log.info({ version: VERSION, host: hostName, hostId, clusterId }, "agent ready");
  return agent;
}
