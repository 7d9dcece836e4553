/** A seeded cluster with its coordinator and its fleets of agents, all in processes of their own. */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AdminService, HostState } from "@muster/proto/admin";
import { connect, type RpcClient } from "@muster/runtime";
import { cpuSecondsReader, readMemory } from "../footprint/proc.ts";
import type { ClusterSize } from "./cluster-plan.ts";
import type { FleetQuestion, FleetStatus } from "./fleet-messages.ts";
import { CoordinatorProcess, FleetProcess, pause } from "./programs.ts";
import { seedCluster, type SeededCluster } from "./seed-cluster.ts";

const DIAL_MS = 5_000;
const ONLINE_MS = 120_000;
const LOOK_MS = 50;

export interface MeasuredClusterOptions {
  readonly size: ClusterSize;
  readonly heartbeatMs: number;
  /** Hosts of a second fleet, the last ones, which can be frozen by themselves. */
  readonly victims?: number;
  readonly profileDirectory?: string;
}

export class MeasuredCluster implements AsyncDisposable {
  readonly size: ClusterSize;
  readonly #options: MeasuredClusterOptions;
  readonly #directory: string;
  readonly #port: number;
  readonly #seeded: SeededCluster;
  readonly #fleets: FleetProcess[] = [];
  #coordinator: CoordinatorProcess | undefined;
  #client: RpcClient | undefined;

  private constructor(parts: {
    readonly options: MeasuredClusterOptions;
    readonly directory: string;
    readonly port: number;
    readonly seeded: SeededCluster;
  }) {
    this.size = parts.options.size;
    this.#options = parts.options;
    this.#directory = parts.directory;
    this.#port = parts.port;
    this.#seeded = parts.seeded;
  }

  /** Nothing runs yet. */
  static async seed(options: MeasuredClusterOptions): Promise<MeasuredCluster> {
    const directory = await mkdtemp(join(tmpdir(), "muster-scale-"));
    const port = await freePort();
    const seeded = await seedCluster(directory, options.size, `https://127.0.0.1:${String(port)}`);
    return new MeasuredCluster({ options, directory, port, seeded });
  }

  get coordinator(): CoordinatorProcess {
    if (this.#coordinator === undefined) throw new Error("the coordinator does not run");
    return this.#coordinator;
  }

  get client(): RpcClient {
    if (this.#client === undefined) throw new Error("the coordinator does not run");
    return this.#client;
  }

  /** The fleet of all hosts but the victims; with victims, theirs is the second. */
  get fleets(): readonly FleetProcess[] {
    return this.#fleets;
  }

  /** Milliseconds until it answers a read. */
  async startCoordinator(): Promise<number> {
    const { heartbeatMs, profileDirectory } = this.#options;
    const beganMs = performance.now();
    const coordinator = new CoordinatorProcess({
      directory: this.#directory,
      dataDirectory: this.#seeded.dataDirectory,
      port: this.#port,
      heartbeatMs,
      ...(profileDirectory === undefined ? {} : { profileDirectory }),
    });
    this.#coordinator = coordinator;
    await coordinator.ready();
    this.#client = await connect({
      addresses: [`unix://${coordinator.socketPath}`],
      timeoutMs: DIAL_MS,
    });
    await this.client.unary(AdminService.getVm, { vm: "vm-0001-00" });
    return performance.now() - beganMs;
  }

  async stopCoordinator(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    this.#client?.close();
    this.#client = undefined;
    await this.#coordinator?.stop(signal);
  }

  async startFleets(): Promise<void> {
    const { hosts, vmsPerHost } = this.size;
    const { identitiesPath } = this.#seeded;
    const last = hosts - (this.#options.victims ?? 0);
    const ranges = [[1, last] as const, ...(last < hosts ? [[last + 1, hosts] as const] : [])];
    for (const [from, to] of ranges) {
      const fleet = new FleetProcess();
      this.#fleets.push(fleet);
      const order = { identitiesPath, from, to, vmsPerHost };
      await fleet.ask({ kind: "start", order });
    }
  }

  askAll(question: FleetQuestion): Promise<readonly FleetStatus[]> {
    return Promise.all(this.#fleets.map((fleet) => fleet.ask(question)));
  }

  /** Milliseconds until every host is connected and has reported. */
  async untilOnline(): Promise<number> {
    const beganMs = performance.now();
    for (;;) {
      // Agents are asked first: a list of all hosts costs the coordinator what the agents need now.
      const statuses = await this.askAll({ kind: "status" });
      const live = statuses.reduce((sum, status) => sum + status.live, 0);
      const online = live === this.size.hosts ? await this.onlineHosts() : live;
      if (online === this.size.hosts) return performance.now() - beganMs;
      if (performance.now() - beganMs > ONLINE_MS) {
        throw new Error(`only ${String(online)} of ${String(this.size.hosts)} hosts are online`);
      }
      await pause(LOOK_MS);
    }
  }

  async onlineHosts(): Promise<number> {
    const { hosts } = await this.client.unary(AdminService.listHosts, {});
    return hosts.filter(({ state }) => state === HostState.ONLINE).length;
  }

  /** Of the coordinator. */
  get cpuSeconds(): () => number {
    return cpuSecondsReader(this.coordinator.pid);
  }

  get residentBytes(): number {
    return readMemory(this.coordinator.pid).residentBytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const fleet of this.#fleets) await fleet.stop();
    await this.stopCoordinator();
    await rm(this.#directory, { recursive: true, force: true });
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
