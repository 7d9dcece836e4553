/** Coordinators as processes of their own, on a real etcd: they can be killed, stopped and continued. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, readFileSync, openSync, closeSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const program = join(import.meta.dirname, "../../packages/coordinator/src/main.ts");
const START_TRIES = 300;
const LOOK_MS = 100;

export interface CoordinatorOptions {
  readonly name: string;
  readonly directory: string;
  readonly endpoints: readonly string[];
}

export class CoordinatorProcess {
  readonly name: string;
  readonly address: string;
  readonly dataDirectory: string;
  readonly #words: readonly string[];
  readonly #logPath: string;
  #child: ChildProcess | undefined;

  private constructor(options: CoordinatorOptions, port: number) {
    const { name, directory, endpoints } = options;
    this.name = name;
    this.address = `https://127.0.0.1:${String(port)}`;
    this.dataDirectory = join(directory, name);
    this.#logPath = join(directory, `${name}.log`);
    this.#words = [
      ...["--name", name, "--data-directory", this.dataDirectory],
      ...["--socket", join(directory, `${name}.sock`)],
      ...["--listen.host", "127.0.0.1", "--listen.port", String(port)],
      ...["--agent-addresses", this.address, "--metrics.port", "0"],
      ...["--sessions.heartbeat", "1s"],
      ...["--store", "etcd", "--etcd.endpoints", endpoints.join(","), "--etcd.lease", "3s"],
    ];
  }

  static async create(options: CoordinatorOptions): Promise<CoordinatorProcess> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, "close");
    const created = new CoordinatorProcess(options, port);
    mkdirSync(created.dataDirectory, { recursive: true, mode: 0o700 });
    return created;
  }

  /** Resolves once it serves, as a leader or as a standby. */
  async start(): Promise<void> {
    const log = openSync(this.#logPath, "a");
    const readyBefore = this.#readyCount();
    this.#child = spawn(process.execPath, [program, "run", ...this.#words], {
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    for (let tries = 0; tries < START_TRIES; tries += 1) {
      if (this.#readyCount() > readyBefore) return;
      if (this.#child.exitCode !== null) break;
      await delay(LOOK_MS);
    }
    throw new Error(`coordinator ${this.name} did not start:\n${this.log.slice(-2_000)}`);
  }

  get isRunning(): boolean {
    const child = this.#child;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** What a site copies from the first coordinator to the others. */
  takeSealOf(other: CoordinatorProcess): void {
    const file = "authority.seal";
    copyFileSync(join(other.dataDirectory, file), join(this.dataDirectory, file));
  }

  /** `muster-coordinator certificate`. */
  async certificate(person: string, directory: string): Promise<void> {
    const words = [program, "certificate", person, directory, ...this.#words];
    const child = spawn(process.execPath, words, { stdio: "inherit" });
    const [exitCode] = (await once(child, "exit")) as [number | null];
    if (exitCode !== 0) throw new Error(`no certificate for ${person}`);
  }

  get log(): string {
    return existsSync(this.#logPath) ? readFileSync(this.#logPath, "utf8") : "";
  }

  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  freeze(): void {
    this.#child?.kill("SIGSTOP");
  }

  continue(): void {
    this.#child?.kill("SIGCONT");
  }

  /** Resolves with its exit code when it ends by itself. */
  async ended(): Promise<number | null> {
    const child = this.#child;
    if (child === undefined) return null;
    if (this.isRunning) await once(child, "exit");
    return child.exitCode;
  }

  #readyCount(): number {
    return this.log.split("coordinator ready").length - 1;
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.isRunning) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }
}
