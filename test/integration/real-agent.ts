/** An agent as its program starts it, on a simulated hypervisor and simulated bridges that outlive it. */
import {
  collectInventory,
  SimulatedHypervisor,
  SimulatedNetworkDriver,
  type SimulatedHostNetworks,
  type SimulatedWorld,
  SimulatedImageCache,
  SimulatedImageDisk,
  SimulatedLibrary,
} from "@muster/agent/simulated";
import { fenceRunner, systemClock, type Logger } from "@muster/runtime";
import type { Agent } from "../../packages/agent/src/agent.ts";
import { startHostAgent } from "../../packages/agent/src/daemon/host-agent.ts";
import { IdentityKeeper } from "../../packages/agent/src/daemon/identity-keeper.ts";
import { loadIdentity } from "../../packages/agent/src/enrolment/identity.ts";
import { MemoryLease } from "../../packages/agent/src/guard/lease-file.ts";

export interface RealAgentParts {
  /** The host has joined by it, and the world has a host of that name. */
  readonly name: string;
  readonly dataDirectory: string;
  readonly world: SimulatedWorld;
  readonly networks: SimulatedHostNetworks;
  readonly log: Logger;
}

export interface RealAgent {
  readonly agent: Agent;
  readonly identity: IdentityKeeper;
  /** Disposing it stops the agent. */
  readonly stack: AsyncDisposableStack;
}

export async function startRealAgent(parts: RealAgentParts): Promise<RealAgent> {
  const { name, dataDirectory, world, networks, log } = parts;
  const identity = new IdentityKeeper({
    identity: await loadIdentity(dataDirectory),
    dataDirectory,
    clock: systemClock,
    log,
  });
  const { clusterId } = identity.current;
  const stack = new AsyncDisposableStack();
  const hypervisor = stack.use(
    new SimulatedHypervisor({ world, host: name, clusterId: () => clusterId }),
  );
  const system = world.system(name);
  const agent = await startHostAgent(
    {
      ports: {
        hypervisor,
        networks: new SimulatedNetworkDriver(networks),
        images: new SimulatedImageCache({
          host: name,
          library: new SimulatedLibrary(),
          disk: new SimulatedImageDisk(),
          clock: systemClock,
        }),
        inventory: () => collectInventory({ hypervisor, system, agentVersion: "0.1.0" }),
        load: () => system.readLoad(),
        guarding: {
          bootClock: { bootId: name, uptimeMs: () => systemClock.now() },
          leases: new MemoryLease(),
          fence: fenceRunner(),
          storageHeartbeats: { read: async () => [] },
        },
      },
      identity,
      dataDirectory,
      migrationAddress: name,
      metricsAddress: "",
      log,
    },
    stack,
  );
  return { agent, identity, stack };
}
