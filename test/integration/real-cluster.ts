/**
 * A coordinator and agents as their programs start them: real gRPC, TLS, certificates, sqlite and journals, in real
 * time. Only the hypervisors and bridges are simulated.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { SimulatedHostNetworks, SimulatedWorld } from "@muster/agent/simulated";
import {
  AdminService,
  OperationState,
  type CreateVmRequest,
  type Operation,
} from "@muster/proto/admin";
import {
  connect,
  createLogger,
  systemClock,
  systemRandom,
  type Logger,
  type RpcClient,
} from "@muster/runtime";
import type { Agent } from "../../packages/agent/src/agent.ts";
import type { IdentityKeeper } from "../../packages/agent/src/daemon/identity-keeper.ts";
import type { HostIdentity } from "../../packages/agent/src/enrolment/identity.ts";
import { join } from "../../packages/agent/src/enrolment/join.ts";
import { readCoordinatorConfig } from "../../packages/coordinator/src/daemon/config.ts";
import { runCoordinator, type Daemon } from "../../packages/coordinator/src/daemon/run.ts";
import { startRealAgent } from "./real-agent.ts";

type VmSpec = NonNullable<CreateVmRequest["spec"]>;

/** Threads of the planner run the coordinator's program. */
const entry = new URL("../../packages/coordinator/src/main.ts", import.meta.url);

/** Says that something never came; how fast things come is no matter here, and the machine may be busy. */
const TIMEOUT_MS = 20_000;
const WAIT_MS = 30_000;
const LOOK_MS = 20;

/** A VM of one CPU and 1 GiB with a disk that every host sees. */
export const aVmSpec = (name: string, change: Partial<VmSpec> = {}): VmSpec => ({
  name,
  cpus: 1,
  memoryBytes: 1024n ** 3n,
  disks: [{ storage: "shared", sizeBytes: 1024n ** 2n, baseVolume: "" }],
  nics: [],
  kernel: undefined,
  antiAffinityGroups: [],
  cpuModel: "",
  machineType: "",
  ha: undefined,
  ...change,
});

/** Rejects, naming what it waited for, when that does not come true in time. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + WAIT_MS;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`waited in vain for ${what}`);
    await systemClock.sleep(LOOK_MS);
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

export interface RunningHost {
  readonly name: string;
  readonly agent: Agent;
  readonly identity: IdentityKeeper;
  stop(): Promise<void>;
}

export class RealCluster implements AsyncDisposable {
  readonly directory: string;
  readonly port: number;
  readonly world = new SimulatedWorld({ clock: systemClock, random: systemRandom });
  readonly logLines: string[] = [];
  readonly #log: Logger;
  readonly #networks = new Map<string, SimulatedHostNetworks>();
  readonly #hosts = new Map<string, RunningHost>();
  #daemon: Daemon | undefined;
  #client: RpcClient | undefined;

  private constructor(directory: string, port: number) {
    this.directory = directory;
    this.port = port;
    this.#log = createLogger({
      name: "test",
      level: "info",
      destination: { write: (line) => this.logLines.push(line) },
    });
  }

  static async start(options: { readonly hosts: number } = { hosts: 0 }): Promise<RealCluster> {
    const directory = await mkdtemp(joinPath(tmpdir(), "muster-it-"));
    const cluster = new RealCluster(directory, await freePort());
    try {
      await cluster.startCoordinator();
      for (let number = 1; number <= options.hosts; number += 1) {
        const name = `h${String(number)}`;
        await cluster.joinHost(name);
        await cluster.startHost(name);
      }
      await cluster.untilOnline();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  get daemon(): Daemon {
    if (this.#daemon === undefined) throw new Error("the coordinator is down");
    return this.#daemon;
  }

  get address(): string {
    return `https://127.0.0.1:${String(this.port)}`;
  }

  get socketPath(): string {
    return joinPath(this.directory, "coordinator.sock");
  }

  /** A person at the coordinator's own machine. */
  get client(): RpcClient {
    if (this.#client === undefined) throw new Error("the coordinator is down");
    return this.#client;
  }

  host(name: string): RunningHost {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new Error(`host ${name} does not run`);
    return host;
  }

  async startCoordinator(): Promise<void> {
    const options = new Map<string, string>([
      ["data-directory", joinPath(this.directory, "coordinator")],
      ["socket", this.socketPath],
      ["listen.host", "127.0.0.1"],
      ["listen.port", String(this.port)],
      ["agent-addresses", this.address],
      ["metrics.port", "0"],
      ["sessions.heartbeat", "1s"],
    ]);
    this.#daemon = await runCoordinator(readCoordinatorConfig({ options }), {
      log: this.#log,
      entry,
    });
    this.#client = await connect({
      addresses: [`unix://${this.socketPath}`],
      timeoutMs: TIMEOUT_MS,
    });
  }

  async stopCoordinator(): Promise<void> {
    this.#client?.close();
    this.#client = undefined;
    const daemon = this.#daemon;
    this.#daemon = undefined;
    await daemon?.[Symbol.asyncDispose]();
  }

  async invite(name: string, validSeconds = 600): Promise<string> {
    const request = { name, validSeconds, why: undefined };
    return (await this.client.unary(AdminService.inviteHost, request)).joinString;
  }

  hostDirectory(name: string): string {
    return joinPath(this.directory, name);
  }

  async joinHost(
    name: string,
    joinString?: string,
    machineName: string = name,
  ): Promise<HostIdentity> {
    const dataDirectory = this.hostDirectory(name);
    await mkdir(dataDirectory, { recursive: true });
    return join({
      joinString: joinString ?? (await this.invite(name)),
      machineName,
      dataDirectory,
      agentVersion: "0.1.0",
      timeoutMs: TIMEOUT_MS,
    });
  }

  /** The agent of a host that has joined. Its hypervisor and bridges outlive it. */
  async startHost(name: string): Promise<RunningHost> {
    if (!this.#networks.has(name)) {
      this.world.addHost({ name });
      this.#networks.set(name, new SimulatedHostNetworks());
    }
    const { world } = this;
    const networks = this.#networks.get(name) ?? new SimulatedHostNetworks();
    const dataDirectory = this.hostDirectory(name);
    const { agent, identity, stack } = await startRealAgent({
      ...{ name, dataDirectory, world, networks },
      log: this.#log.child({ host: name }),
    });
    const stop = async (): Promise<void> => {
      this.#hosts.delete(name);
      await stack.disposeAsync();
    };
    const running: RunningHost = { name, agent, identity, stop };
    this.#hosts.set(name, running);
    return running;
  }

  /** The simulated bridges of a host that was started once. */
  networksOf(name: string): SimulatedHostNetworks {
    const networks = this.#networks.get(name);
    if (networks === undefined) throw new Error(`${name} was never started`);
    return networks;
  }

  /** Every running agent is connected and has reported. */
  async untilOnline(): Promise<void> {
    const { ledger, observations } = this.daemon.coordinator;
    await until("every host to be online", () =>
      [...this.#hosts.keys()].every((name) => {
        const host = ledger.view.hostByName(name);
        return host !== undefined && observations.stateOf(host) === "online";
      }),
    );
  }

  async createVm(spec: VmSpec, host = ""): Promise<Operation> {
    const request = {
      spec,
      stopped: false,
      host,
      why: undefined,
      rules: undefined,
      claim: "",
    };
    const { operation } = await this.client.unary(AdminService.createVm, request);
    return this.untilEnded(operation?.id ?? "");
  }

  async untilEnded(id: string): Promise<Operation> {
    let found: Operation | undefined;
    await until(`operation ${id} to end`, async () => {
      found = (await this.client.unary(AdminService.getOperation, { id })).operation;
      const { state } = found ?? {};
      return (
        state === OperationState.SUCCEEDED ||
        state === OperationState.FAILED ||
        state === OperationState.CANCELLED
      );
    });
    if (found === undefined) throw new Error(`operation ${id} is gone`);
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const host of [...this.#hosts.values()]) await host.stop();
    await this.stopCoordinator();
    await this.world[Symbol.asyncDispose]();
    await rm(this.directory, { recursive: true, force: true });
  }
}
