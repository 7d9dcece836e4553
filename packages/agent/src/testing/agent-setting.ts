/** What tests of the agent's parts need: a simulated host, a scripted coordinator, and a log that is kept. */
import {
  commandIdOf,
  GIB,
  MusterError,
  operationIdFrom,
  parseClusterId,
  parseVmId,
  type AgentMessage,
  type Command,
  type CommandAction,
  type CommandId,
  type CoordinatorMessage,
  type VmId,
  type VmSpec,
} from "@muster/model";
import { Mailbox, seededRandom, SimulatedClock, type Link, type Log } from "@muster/runtime";
import { noStorageHeartbeats } from "../guard/storage-heartbeats.ts";
import { SimulatedHypervisor } from "../hypervisor/simulated/simulated-hypervisor.ts";
import { SimulatedWorld } from "../hypervisor/simulated/simulated-world.ts";
import {
  SimulatedImageCache,
  SimulatedImageDisk,
  SimulatedLibrary,
} from "../images/simulated-image-cache.ts";
import { SimulatedHostNetworks } from "../networks/simulated/simulated-host-networks.ts";
import { SimulatedNetworkDriver } from "../networks/simulated/simulated-network-driver.ts";

export const clusterId = parseClusterId("cc000000-0000-4000-8000-000000000000");
export const vmIdOf = (number: number): VmId =>
  parseVmId(`b0000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}`);
export const commandIdFor = (number: number, step = "step"): CommandId =>
  commandIdOf(operationIdFrom(number), step, 1);

export const aSpec = (name: string): VmSpec => ({
  name,
  cpus: 1,
  memoryBytes: GIB,
  disks: [{ storage: "shared", sizeBytes: GIB }],
  nics: [],
  antiAffinityGroups: [],
});

export const aCommand = (number: number, action: CommandAction, timeoutMs = 600_000): Command => ({
  kind: "command",
  commandId: commandIdFor(number),
  timeoutMs,
  action,
});

/** A host that does nothing for others. */
export const noHelp = {
  fence: {
    run: async () => {
      throw new MusterError("unreachable", "this host has no fence agents");
    },
  },
  storageHeartbeats: noStorageHeartbeats,
  seeds: {
    fetch: async () => {
      throw new MusterError("not-found", "this host was given no seeds");
    },
  },
  images: new SimulatedImageCache({
    host: "h1",
    library: new SimulatedLibrary(),
    disk: new SimulatedImageDisk(),
    clock: new SimulatedClock(),
  }),
};

export function keptLog(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = [];
  const say = (level: string) => (_fields: object, message: string) => {
    lines.push(`${level} ${message}`);
  };
  return { lines, log: { info: say("info"), warn: say("warn"), error: say("error") } };
}

/** Hosts h1 and h2 in simulated time; a new hypervisor on one of them is what a new agent process has. */
export function simulatedHosts() {
  const clock = new SimulatedClock();
  const world = new SimulatedWorld({ clock, random: seededRandom(1) });
  world.addHost({ name: "h1" });
  world.addHost({ name: "h2" });
  const bridges = new SimulatedHostNetworks();
  const hypervisorOf = (host: string) =>
    new SimulatedHypervisor({ world, host, clusterId: () => clusterId });
  return {
    clock,
    world,
    hypervisorOf,
    newDriver: () => new SimulatedNetworkDriver(bridges),
    bridges,
  };
}

/** The coordinator's end of a session, by hand. */
export class ScriptedCoordinator {
  readonly heard: AgentMessage[] = [];
  readonly #messages = new Mailbox<CoordinatorMessage>(1_000);
  isClosed = false;

  readonly link: Link<AgentMessage, CoordinatorMessage> = {
    incoming: this.#messages,
    send: (message) => {
      this.heard.push(message);
    },
    close: (error) => {
      this.isClosed = true;
      this.#messages.end(error);
    },
  };

  say(message: CoordinatorMessage): void {
    this.#messages.put(message);
  }

  welcome(heartbeatIntervalMs = 5_000, protocolVersion = 1, reconnectSpreadMs = 0): void {
    this.say({
      kind: "welcome",
      protocolVersion,
      clusterId,
      heartbeatIntervalMs,
      fullReportIntervalMs: 60_000,
      sampleIntervalMs: 5_000,
      reconnectSpreadMs,
      leaseMs: 30_000,
    });
  }

  /** The session ends; with an error, it broke. */
  end(error?: Error): void {
    this.#messages.end(error);
  }

  kinds(): readonly string[] {
    return this.heard.map(({ kind }) => kind);
  }
}
