/** etcd of the distribution on ports of this machine's loopback: one member or three, which can be killed and paused. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

export interface RealEtcdOptions {
  readonly members: number;
  /** Further flags of every member. */
  readonly flags?: readonly string[];
  /** "https" with flags that say which certificates. */
  readonly scheme?: "http" | "https";
  /** Another address of this machine, for hosts in network namespaces. */
  readonly address?: string;
}

interface MemberProcess {
  readonly name: string;
  readonly arguments: readonly string[];
  child?: ChildProcess;
}

export class RealEtcd implements AsyncDisposable {
  readonly endpoints: readonly string[];
  readonly #directory: string;
  readonly #members: readonly MemberProcess[];

  private constructor(
    directory: string,
    endpoints: readonly string[],
    members: readonly MemberProcess[],
  ) {
    this.#directory = directory;
    this.endpoints = endpoints;
    this.#members = members;
  }

  static async start(options: RealEtcdOptions): Promise<RealEtcd> {
    const { members: count, flags = [], scheme = "http", address = "127.0.0.1" } = options;
    const directory = mkdtempSync(join(tmpdir(), "muster-etcd-"));
    const numbers = Array.from({ length: count }, (_, index) => index + 1);
    const ports = await freePorts(2 * count, address);
    const peers = numbers.map((_, index) => `http://${address}:${String(ports[index])}`);
    const endpoints = numbers.map(
      (_, index) => `${scheme}://${address}:${String(ports[count + index])}`,
    );
    const cluster = numbers.map((number, index) => `e${String(number)}=${peers[index] ?? ""}`);
    const members = numbers.map((number, index): MemberProcess => {
      const name = `e${String(number)}`;
      const own = [
        ...["--name", name, "--data-dir", join(directory, name)],
        ...["--listen-peer-urls", peers[index] ?? ""],
        ...["--initial-advertise-peer-urls", peers[index] ?? ""],
        ...["--listen-client-urls", endpoints[index] ?? ""],
        ...["--advertise-client-urls", endpoints[index] ?? ""],
        ...["--initial-cluster", cluster.join(",")],
        // A fsync of a busy build machine must not depose etcd's own leader.
        ...["--heartbeat-interval", "100", "--election-timeout", "1000"],
      ];
      return { name, arguments: [...own, ...flags] };
    });
    const etcd = new RealEtcd(directory, endpoints, members);
    for (const index of members.keys()) etcd.startMember(index);
    await etcd.answers(ports.slice(count), address);
    return etcd;
  }

  startMember(index: number): void {
    const member = this.#member(index);
    member.child = spawn("etcd", member.arguments, { stdio: "ignore" });
  }

  async killMember(index: number): Promise<void> {
    const { child } = this.#member(index);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  /** Alive, connected, and silent. */
  pauseMember(index: number): void {
    this.#member(index).child?.kill("SIGSTOP");
  }

  continueMember(index: number): void {
    this.#member(index).child?.kill("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#members.map((_, index) => this.killMember(index)));
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Every member listens: how it is spoken to is the caller's business. */
  private async answers(ports: readonly number[], address: string): Promise<void> {
    for (const port of ports) await untilListening(port, address);
  }

  #member(index: number): MemberProcess {
    const member = this.#members[index];
    if (member === undefined) throw new Error(`there is no member ${String(index)}`);
    return member;
  }
}

async function freePorts(count: number, address: string): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, address);
      await once(server, "listening");
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  for (const server of servers) {
    server.close();
    await once(server, "close");
  }
  return ports;
}

const START_TRIES = 200;

async function untilListening(port: number, address: string): Promise<void> {
  for (let tries = 0; tries < START_TRIES; tries += 1) {
    const probe = connect({ host: address, port });
    const connected = await new Promise<boolean>((resolve) => {
      probe.once("connect", () => {
        resolve(true);
      });
      probe.once("error", () => {
        resolve(false);
      });
    });
    probe.destroy();
    if (connected) return;
    await delay(100);
  }
  throw new Error(`etcd does not listen on port ${String(port)}`);
}
