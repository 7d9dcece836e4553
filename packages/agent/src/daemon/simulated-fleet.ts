/**
 * `muster-agent simulate`: the agents of many hosts in one process, on hypervisors that only exist in its memory.
 * Everything else is real: each host joins by its own join string and has its own key, certificate, journal and
 * session. For trying muster without root, and for measuring a coordinator with more hosts than one has.
 * When the process ends so do the VMs, and their definitions are gone.
 */
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join as joinPath } from "node:path";
import { text as readAll } from "node:stream/consumers";
import { MusterError, parseJoinString } from "@muster/model";
import { fenceRunner, systemClock, systemRandom, type Logger } from "@muster/runtime";
import { hasIdentity, loadIdentity } from "../enrolment/identity.ts";
import { join } from "../enrolment/join.ts";
import { MemoryLease } from "../guard/lease-file.ts";
import { noStorageHeartbeats } from "../guard/storage-heartbeats.ts";
import { SimulatedHypervisor } from "../hypervisor/simulated/simulated-hypervisor.ts";
import { SimulatedWorld } from "../hypervisor/simulated/simulated-world.ts";
import {
  SimulatedImageCache,
  SimulatedImageDisk,
  SimulatedLibrary,
} from "../images/simulated-image-cache.ts";
import { collectInventory } from "../inventory/collect-inventory.ts";
import { SimulatedHostNetworks } from "../networks/simulated/simulated-host-networks.ts";
import { SimulatedNetworkDriver } from "../networks/simulated/simulated-network-driver.ts";
import { VERSION } from "../version.ts";
import { startHostAgent, type HostPorts } from "./host-agent.ts";
import { IdentityKeeper } from "./identity-keeper.ts";
import type { SimulatedFleetConfig } from "./simulated-fleet-config.ts";

/** For each address of the coordinator, and for the enrolment itself. */
const JOIN_TIMEOUT_MS = 15_000;

export interface SimulatedFleet extends AsyncDisposable {
  /** Sorted. */
  readonly hostNames: readonly string[];
  readonly world: SimulatedWorld;
}

/** @throws MusterError when a host cannot join, or there is none. What had been started is stopped again. */
export async function runSimulatedFleet(
  config: SimulatedFleetConfig,
  log: Logger,
): Promise<SimulatedFleet> {
  const { dataDirectory } = config;
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  await joinAll(await readJoinStrings(config.joinStrings), dataDirectory, log);
  const hostNames = await joinedHosts(dataDirectory);
  if (hostNames.length === 0) {
    const message = `no host has joined a cluster in ${dataDirectory}`;
    const hint = "give their join strings: muster host invite NAME, --join-strings FILE";
    throw new MusterError("wrong-state", message, { hint });
  }
  const stack = new AsyncDisposableStack();
  try {
    const world = stack.use(new SimulatedWorld({ clock: systemClock, random: systemRandom }));
    const library = new SimulatedLibrary();
    for (const name of hostNames) await startHost({ name, config, world, library, log, stack });
    return { hostNames, world, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function readJoinStrings(source: string | undefined): Promise<readonly string[]> {
  if (source === undefined) return [];
  const lines = (await readSource(source)).split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "");
}

async function readSource(source: string): Promise<string> {
  if (source === "-") return readAll(process.stdin);
  try {
    return await readFile(source, "utf8");
  } catch (cause) {
    throw new MusterError("invalid", `--join-strings: failed to read ${source}`, { cause });
  }
}

/** A host that has joined keeps its identity, so the same command can start the fleet again. */
async function joinAll(
  joinStrings: readonly string[],
  dataDirectory: string,
  log: Logger,
): Promise<void> {
  for (const joinString of joinStrings) {
    const { hostName } = parseJoinString(joinString);
    const directory = joinPath(dataDirectory, hostName);
    if (await hasIdentity(directory)) {
      log.info({ host: hostName }, "host has joined before");
      continue;
    }
    await join({
      joinString,
      machineName: hostName,
      dataDirectory: directory,
      agentVersion: VERSION,
      timeoutMs: JOIN_TIMEOUT_MS,
    });
    log.info({ host: hostName }, "host joined");
  }
}

async function joinedHosts(dataDirectory: string): Promise<readonly string[]> {
  const entries = await readdir(dataDirectory, { withFileTypes: true });
  const names: string[] = [];
  for (const entry of entries) {
    if (entry.isDirectory() && (await hasIdentity(joinPath(dataDirectory, entry.name)))) {
      names.push(entry.name);
    }
  }
  return names.toSorted();
}

async function startHost(parts: {
  readonly name: string;
  readonly config: SimulatedFleetConfig;
  readonly world: SimulatedWorld;
  readonly library: SimulatedLibrary;
  readonly log: Logger;
  readonly stack: AsyncDisposableStack;
}): Promise<void> {
  const { name, config, world, library, stack } = parts;
  const log = parts.log.child({ host: name });
  const dataDirectory = joinPath(config.dataDirectory, name);
  const identity = new IdentityKeeper({
    identity: await loadIdentity(dataDirectory),
    dataDirectory,
    clock: systemClock,
    log,
  });
  world.addHost({ name, cpus: config.cpus, memoryBytes: config.memoryBytes });
  const { clusterId } = identity.current;
  const hypervisor = stack.use(
    new SimulatedHypervisor({ world, host: name, clusterId: () => clusterId }),
  );
  const system = world.system(name);
  const ports: HostPorts = {
    hypervisor,
    networks: new SimulatedNetworkDriver(new SimulatedHostNetworks()),
    images: new SimulatedImageCache({
      host: name,
      library,
      disk: new SimulatedImageDisk(),
      clock: systemClock,
    }),
    inventory: () => collectInventory({ hypervisor, system, agentVersion: VERSION }),
    load: () => system.readLoad(),
    guarding: {
      bootClock: { bootId: systemRandom.uuid(), uptimeMs: () => systemClock.now() },
      leases: new MemoryLease(),
      fence: fenceRunner(),
      storageHeartbeats: noStorageHeartbeats,
    },
  };
  // Thousands of listeners would say what the coordinator's metrics say anyway.
  const metricsAddress = "";
  await startHostAgent(
    { ports, identity, dataDirectory, migrationAddress: name, metricsAddress, log },
    stack,
  );
}
