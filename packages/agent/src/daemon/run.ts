/** `muster-agent run`: everything the daemon owns, in the order it starts; it stops in reverse. */
import { mkdir } from "node:fs/promises";
import type { HostId, HostInventory } from "@muster/model";
import { fenceRunner, Loop, systemClock, type Logger } from "@muster/runtime";
import type { Agent } from "../agent.ts";
import type { AgentParts } from "../agent-parts.ts";
import { loadIdentity } from "../enrolment/identity.ts";
import type { ArrivalSource } from "../arrivals/arrival-meter.ts";
import { PortCounters } from "../arrivals/port-counters.ts";
import { openGuestNetworks } from "./guest-networks.ts";
import { DeviceWatchdog } from "../guard/device-watchdog.ts";
import { LeaseFile, linuxBootClock } from "../guard/lease-file.ts";
import { FileHeartbeats } from "../guard/storage-heartbeats.ts";
import { LibvirtHypervisor } from "../hypervisor/libvirt/libvirt-hypervisor.ts";
import { collectInventory } from "../inventory/collect-inventory.ts";
import { LinuxSystem } from "../inventory/collect.ts";
import { ArrivalHistogram } from "../metrics/arrival-histogram.ts";
import { chooseNetworkDriver } from "../networks/choose-driver.ts";
import type { TrafficEnds } from "../networks/traffic/host-traffic.ts";
import { processRunner } from "../networks/command-runner.ts";
import { VERSION } from "../version.ts";
import type { AgentConfig } from "./config.ts";
import { startHostAgent, type HostPorts } from "./host-agent.ts";
import { IdentityKeeper } from "./identity-keeper.ts";
import { openImages } from "./open-images.ts";
import { serveMetrics } from "./metrics-listener.ts";

export interface Daemon extends AsyncDisposable {
  readonly agent: Agent;
  readonly hostName: string;
}

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
  const { dataDirectory, migrationAddress } = config;
  const identity = new IdentityKeeper({
    identity: await loadIdentity(dataDirectory),
    dataDirectory,
    clock: systemClock,
    log,
  });
  const { clusterId, hostId, hostName } = identity.current;
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  const traffic = {
    coordinators: () => identity.current.coordinators,
    migration: migrationAddress === "" ? hostName : migrationAddress,
  };
  const images = await openImages({ config, identity, log, stack });
  const arrivals = new ArrivalHistogram();
  const host = await openHost(config, { arrivals, clusterId, hostId, traffic, log, stack });
  const ports = { ...host, images: images.cache };
  const metrics = stack.use(await serveMetrics({ config, identity, arrivals, log }));
  const metricsAddress = metrics.advertised;
  const agent = await startHostAgent(
    { ports, identity, dataDirectory, migrationAddress, metricsAddress, log },
    stack,
  );
  metrics.show(agent);
  images.show(agent);
  return { agent, hostName };
}

async function openHost(
  config: AgentConfig,
  parts: {
    readonly clusterId: AgentParts["clusterId"];
    readonly hostId: HostId;
    readonly traffic: TrafficEnds;
    readonly arrivals: ArrivalHistogram;
    readonly log: Logger;
    readonly stack: AsyncDisposableStack;
  },
): Promise<Omit<HostPorts, "images">> {
  const { hostId, log, stack } = parts;
  const target = { uri: config.libvirtUri };
  const clusterId = () => parts.clusterId;
  const hypervisor = stack.use(
    await LibvirtHypervisor.open({ target, clock: systemClock, log, clusterId }),
  );
  let known: HostInventory | undefined;
  const { driver, why } = await chooseNetworkDriver(config.networks, {
    runner: processRunner,
    traffic: parts.traffic,
  });
  log.info({ driver: driver.name, why }, "network driver chosen");
  const system = new LinuxSystem();
  const hasOpenvswitch = driver.name === "openvswitch";
  return {
    hypervisor,
    arriving: {
      source: arrivalsOn(hypervisor, config, hasOpenvswitch),
      measured: (blackoutMs) => {
        parts.arrivals.measured(blackoutMs);
      },
    },
    networks: driver,
    ...openGuestNetworks(config.networks, { hostId, hasOpenvswitch, log }),
    inventory: async () => {
      known = await collectInventory({ hypervisor, system, agentVersion: VERSION });
      return known;
    },
    load: () => system.readLoad(),
    guarding: {
      ...(config.watchdog === undefined ? {} : { watchdog: new DeviceWatchdog(config.watchdog) }),
      bootClock: linuxBootClock(),
      leases: new LeaseFile(config.leaseFile),
      fence: fenceRunner(config.fenceAgentsDirectory),
      storageHeartbeats: keepHeartbeat({ hostId, log, stack, storages: () => known?.storages }),
    },
  };
}

/** Writes this host's sign of life to the shared directories of its last inventory, and reads others'. */
function keepHeartbeat(parts: {
  readonly hostId: HostId;
  readonly log: Logger;
  readonly stack: AsyncDisposableStack;
  readonly storages: () => HostInventory["storages"] | undefined;
}): FileHeartbeats {
  const { hostId, log, stack, storages } = parts;
  const heartbeats = new FileHeartbeats({
    hostId,
    clock: systemClock,
    log,
    directories: async () =>
      (storages() ?? []).filter(({ shared, path }) => shared && path.startsWith("/")),
  });
  const loop = new Loop({
    reconciler: heartbeats,
    clock: systemClock,
    onFailure: (error) => {
      log.warn({ loop: heartbeats.name, err: error }, "a loop's pass failed");
    },
  });
  loop.start();
  stack.defer(() => loop.stop());
  return heartbeats;
}

function arrivalsOn(
  { arrivals }: LibvirtHypervisor,
  { announce }: AgentConfig,
  hasOpenvswitch: boolean,
): ArrivalSource {
  const counters = new PortCounters(processRunner, { hasOpenvswitch });
  return {
    downtimeMs: (vmId) => arrivals.downtimeMs(vmId),
    framesSent: (vmId) => counters.framesSent(vmId),
    announce: async (vmId) => {
      if (announce.rounds > 0) await arrivals.announce(vmId, announce);
    },
  };
}
