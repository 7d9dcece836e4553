/**
 * A whole muster cluster on the lab: the coordinator in the control namespace, an agent on every host, all real
 * processes from the bundles in dist/, and `muster` as a person would run it. Tests, quickstart and soak use it.
 */
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Lab, type LabHost, type LabProcess, type CommandResult } from "./lab.ts";

const root = join(import.meta.dirname, "../..");
const node = join(root, "node_modules/.bin/node");

export interface MusterLabOptions {
  readonly hosts: number;
  readonly directory?: string;
  /** Lines for people. */
  readonly report?: (line: string) => void;
  /** Options of the coordinator, as on its command line without the dashes. */
  readonly coordinatorOptions?: Readonly<Record<string, string>>;
  readonly agentOptions?: Readonly<Record<string, string>>;
  /** Directory of the bundles. Default: dist/. */
  readonly programs?: string;
}

export interface MusterResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** As in deploy/systemd/muster-agent.service: what is measured and tested is what hosts run. */
const agentNodeFlags = ["--lite-mode", "--max-semi-space-size=1", "--v8-pool-size=0"] as const;
const agentEnvironment = { MALLOC_ARENA_MAX: "1" };

const COORDINATOR_PORT = 7443;
const METRICS_PORT = 7480;
const AGENT_METRICS_PORT = 9177;
const AGENT_IMAGES_PORT = 9178;

export class MusterLab implements AsyncDisposable {
  readonly lab: Lab;
  readonly #options: MusterLabOptions;
  #coordinator: LabProcess | undefined;
  readonly #agents = new Map<string, LabProcess>();

  private constructor(lab: Lab, options: MusterLabOptions) {
    this.lab = lab;
    this.#options = options;
  }

  /** Lab, storages and processes; every host enrolled and online. */
  static async up(options: MusterLabOptions): Promise<MusterLab> {
    const muster = await MusterLab.prepare(options);
    await muster.startCoordinator();
    for (const host of muster.lab.hosts) await muster.enrol(host.name);
    await muster.waitForHosts();
    return muster;
  }

  /** The lab and its storages, nothing of muster running. */
  static async prepare(options: MusterLabOptions): Promise<MusterLab> {
    const { hosts, directory, report } = options;
    const lab = await Lab.up({
      hosts,
      ...(directory === undefined ? {} : { directory }),
      ...(report === undefined ? {} : { report }),
    });
    const muster = new MusterLab(lab, options);
    await Promise.all(lab.hosts.map((host) => muster.makeStorages(host)));
    return muster;
  }

  static attach(lab: Lab, options: MusterLabOptions): MusterLab {
    return new MusterLab(lab, options);
  }

  get dataDirectory(): string {
    return join(this.lab.directory, "muster");
  }

  get socketPath(): string {
    return join(this.dataDirectory, "coordinator.sock");
  }

  agentDirectory(host: string): string {
    return join(this.lab.host(host).directory, "srv/local/muster-agent");
  }

  /** "shared" is the storage all hosts see, "local" is each host's own. */
  async makeStorages(host: LabHost): Promise<void> {
    const defined = await this.lab.virsh(host.name, ["pool-list", "--all", "--name"]);
    for (const [name, path] of [
      ["shared", "/srv/shared/volumes"],
      ["local", "/srv/local/volumes"],
    ] as const) {
      await host.exec(["mkdir", "-p", path]);
      if (!defined.split(/\s+/).includes(name)) {
        await this.lab.virsh(host.name, ["pool-define-as", name, "dir", "--target", path]);
      }
      await this.lab.virsh(host.name, ["pool-autostart", name]);
      const state = await this.lab.virsh(host.name, ["pool-info", name]);
      if (!/State:\s+running/.test(state)) await this.lab.virsh(host.name, ["pool-start", name]);
    }
  }

  async startCoordinator(): Promise<LabProcess> {
    await mkdir(this.dataDirectory, { recursive: true, mode: 0o700 });
    const options: Record<string, string> = {
      "data-directory": join(this.dataDirectory, "coordinator"),
      socket: this.socketPath,
      "agent-addresses": `https://${this.lab.control.address}:${String(COORDINATOR_PORT)}`,
      "listen.host": "0.0.0.0",
      "listen.port": String(COORDINATOR_PORT),
      "metrics.host": "127.0.0.1",
      "metrics.port": String(METRICS_PORT),
      ...this.#options.coordinatorOptions,
    };
    this.#coordinator = this.lab.control.spawn(
      [node, this.#bundle("muster-coordinator"), "run", ...flags(options)],
      {
        logFile: join(this.lab.directory, "log/coordinator.log"),
      },
    );
    await this.#untilServed();
    return this.#coordinator;
  }

  get coordinator(): LabProcess {
    if (this.#coordinator === undefined) throw new Error("the coordinator was not started");
    return this.#coordinator;
  }

  agent(host: string): LabProcess {
    const agent = this.#agents.get(host);
    if (agent === undefined) throw new Error(`the agent of ${host} was not started`);
    return agent;
  }

  /** Invites the host, joins it by the printed string, and starts its agent. */
  async enrol(host: string): Promise<void> {
    const { joinString } = await this.json<{ readonly joinString: string }>([
      "host",
      "invite",
      host,
    ]);
    await this.join(host, joinString);
    await this.startAgent(host);
  }

  async join(host: string, joinString: string): Promise<CommandResult> {
    return this.lab
      .host(host)
      .exec(
        [
          node,
          this.#bundle("muster-agent"),
          "join",
          "-",
          "--data-directory",
          "/srv/local/muster-agent",
        ],
        {
          input: joinString,
        },
      );
  }

  /** `muster-agent …` as hosts run it. */
  agentCommand(words: readonly string[]): readonly string[] {
    return [node, ...agentNodeFlags, this.#bundle("muster-agent"), ...words];
  }

  async startAgent(
    host: string,
    overrides: Readonly<Record<string, string>> = {},
  ): Promise<LabProcess> {
    const options: Record<string, string> = {
      "data-directory": "/srv/local/muster-agent",
      "images.directory": "/srv/local/muster-images",
      "images.host": this.lab.host(host).address,
      "images.advertise": `${this.lab.host(host).address}:${String(AGENT_IMAGES_PORT)}`,
      "networks.driver": "openvswitch",
      "networks.bridge": "br0",
      "networks.uplink": "eth1",
      "networks.datapath": "netdev",
      "metrics.host": this.lab.host(host).address,
      "metrics.port": String(AGENT_METRICS_PORT),
      ...this.#options.agentOptions,
      ...overrides,
    };
    const agent = this.lab.host(host).spawn(this.agentCommand(["run", ...flags(options)]), {
      env: agentEnvironment,
      logFile: join(this.lab.directory, `log/agent-${host}.log`),
    });
    this.#agents.set(host, agent);
    return agent;
  }

  /** `muster …` on the coordinator's machine. Never throws for an exit code. */
  muster(
    words: readonly string[],
    options: { readonly timeoutMs?: number } = {},
  ): Promise<MusterResult> {
    return new Promise((resolve) => {
      execFile(
        node,
        [this.#bundle("muster"), "--coordinator", `unix://${this.socketPath}`, ...words],
        { timeout: options.timeoutMs ?? 180_000, maxBuffer: 64 * 1024 * 1024 },
        (error, stdout, stderr) => {
          const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
          resolve({ exitCode: code, stdout, stderr });
        },
      );
    });
  }

  /** `muster … -o json`; throws with what it said when it failed. */
  async json<Value>(words: readonly string[]): Promise<Value> {
    const result = await this.muster([...words, "-o", "json"]);
    if (result.exitCode !== 0) {
      throw new Error(
        `muster ${words.join(" ")} exited ${String(result.exitCode)}: ${result.stderr}${result.stdout}`,
      );
    }
    // The caller knows the document it asked for.
    return JSON.parse(result.stdout) as Value;
  }

  async waitForHosts(timeoutMs = 60_000): Promise<void> {
    await this.eventually(timeoutMs, async () => {
      const hosts = await this.json<readonly { readonly state: string }[]>(["host", "ls"]);
      return (
        hosts.length === this.lab.hosts.length && hosts.every(({ state }) => state === "online")
      );
    });
  }

  /** For a state, never for an event. */
  async eventually(
    timeoutMs: number,
    predicate: () => Promise<boolean>,
    what = "the state",
  ): Promise<void> {
    const untilMs = performance.now() + timeoutMs;
    for (;;) {
      if (await predicate()) return;
      if (performance.now() > untilMs)
        throw new Error(`${what} was not reached within ${String(timeoutMs)} ms`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** A disk that boots the tiny guest, for volumes to start from. */
  async makeBaseVolume(name = "base.qcow2"): Promise<string> {
    await this.lab
      .host("h1")
      .exec(["qemu-img", "create", "-q", "-f", "qcow2", `/srv/shared/volumes/${name}`, "64M"]);
    for (const host of this.lab.hosts) await this.lab.virsh(host.name, ["pool-refresh", "shared"]);
    return name;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab.down();
  }

  #bundle(program: string): string {
    return join(this.#options.programs ?? join(root, "dist"), `${program}.mjs`);
  }

  async #untilServed(): Promise<void> {
    await this.eventually(
      30_000,
      async () => (await this.muster(["status"], { timeoutMs: 10_000 })).exitCode === 0,
      "a serving coordinator",
    );
  }
}

const flags = (options: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
