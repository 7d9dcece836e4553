/**
 * A dnsmasq for each network that gets its addresses by DHCP, in a network namespace of its own on a foothold
 * (docs/design/0039). It is a child of the agent: one that ended is started again, one that an earlier agent left is ended.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isMusterError, type HostId } from "@muster/model";
import type { Clock, Log } from "@muster/runtime";
import { placeOf } from "../footholds/bridge-place.ts";
import { insideOf, NAMESPACE_PREFIX, type Foothold } from "../footholds/foothold.ts";
import { inNamespace } from "../footholds/render-foothold-action.ts";
import type { CommandRunner } from "../networks/command-runner.ts";
import type { DhcpServer } from "./dhcp-server.ts";
import type { DhcpNetwork } from "./plan-dhcp.ts";
import { configPath, hostsPath, renderDnsmasq, renderHosts, routesOf } from "./render-dnsmasq.ts";

export interface DnsmasqServerParts {
  readonly hostId: HostId;
  /** Configurations and leases; may be gone after a boot. */
  readonly directory: string;
  readonly keepFootholds: (wanted: readonly Foothold[]) => Promise<ReadonlyMap<string, string>>;
  readonly runner: CommandRunner;
  readonly startProgram?: (argv: readonly string[]) => ChildProcess;
  readonly clock: Pick<Clock, "sleep">;
  readonly log: Log;
}

export class DnsmasqServer implements DhcpServer {
  readonly #parts: DnsmasqServerParts;
  readonly #running = new Map<string, ChildProcess>();
  #hasEndedLeftOvers = false;
  #tellEnded = (): void => undefined;

  constructor(parts: DnsmasqServerParts) {
    this.#parts = parts;
  }

  async keep(networks: readonly DhcpNetwork[]): Promise<ReadonlyMap<string, string>> {
    const { directory, keepFootholds } = this.#parts;
    await this.#endLeftOvers();
    const placed = networks.flatMap((network) => {
      const foothold = this.#footholdOn(network);
      return foothold === undefined ? [] : [{ network, foothold }];
    });
    const names = new Set(placed.map(({ network }) => network.network.name));
    for (const name of [...this.#running.keys()]) if (!names.has(name)) await this.#end(name);
    const problems = new Map(await keepFootholds(placed.map(({ foothold }) => foothold)));
    if (placed.length > 0) await mkdir(directory, { recursive: true, mode: 0o700 });
    await this.#removeFilesBut(names);
    for (const { network, foothold } of placed) {
      const { name } = network.network;
      if (problems.has(name)) continue;
      const problem = await this.#serve(network, foothold);
      if (problem !== undefined) problems.set(name, problem);
    }
    return problems;
  }

  onEnded(listener: () => void): void {
    this.#tellEnded = listener;
  }

  async stop(): Promise<void> {
    for (const name of [...this.#running.keys()]) await this.#end(name);
  }

  #footholdOn(dhcp: DhcpNetwork): Foothold | undefined {
    const { network, observed } = dhcp;
    const place = placeOf(network, observed);
    if (place === undefined) return undefined;
    return {
      purpose: "d",
      network: network.name,
      namespace: `${NET_NAMESPACE_PREFIX}${network.name}`,
      place,
      mtu: network.mtu,
      addresses: [`${serverAddress(this.#parts.hostId, network.name)}/32`],
      routes: routesOf(dhcp),
    };
  }

  /** Why it is not served. */
  async #serve(network: DhcpNetwork, foothold: Foothold): Promise<string | undefined> {
    const { directory } = this.#parts;
    const { name } = network.network;
    const config = renderDnsmasq(network, { directory, device: insideOf(foothold) });
    const isOther = await replaceFile(configPath(directory, name), config);
    const hasOtherHosts = await replaceFile(hostsPath(directory, name), renderHosts(network));
    const running = this.#running.get(name);
    if (running !== undefined && !isOther) {
      // It reads the list of hosts again.
      if (hasOtherHosts) running.kill("SIGHUP");
      return undefined;
    }
    await this.#end(name);
    return this.#start(name, foothold.namespace);
  }

  async #start(name: string, namespace: string): Promise<string | undefined> {
    const { directory, startProgram = start, clock, log } = this.#parts;
    const program = ["dnsmasq", "--no-daemon", `--conf-file=${configPath(directory, name)}`];
    const child = startProgram(inNamespace(namespace, ...program));
    const failed = new Promise<string>((resolve) => {
      child.once("error", (error) => {
        resolve(error.message);
      });
    });
    this.#running.set(name, child);
    child.once("exit", (code, signal) => {
      if (this.#running.get(name) !== child) return;
      this.#running.delete(name);
      log.warn({ network: name, code, signal }, "the DHCP server of a network ended");
      this.#tellEnded();
    });
    // What it cannot do it says at once, and ends.
    const early = await Promise.race([
      failed,
      once(child, "exit").then(([code]) => `dnsmasq ended with ${String(code)}`),
      clock.sleep(SETTLED_MS).then(() => undefined),
    ]);
    if (early === undefined) log.info({ network: name }, "DHCP is served");
    return early;
  }

  async #end(name: string): Promise<void> {
    const child = this.#running.get(name);
    if (child === undefined) return;
    this.#running.delete(name);
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  }

  /** Of an agent that was killed: they would keep the port, or serve what is gone. Nobody else is in our namespaces. */
  async #endLeftOvers(): Promise<void> {
    if (this.#hasEndedLeftOvers) return;
    const { runner } = this.#parts;
    const list = (await runner.run(["ip", "netns", "list"])).split("\n");
    const ours = list
      .map((line) => line.split(" ")[0] ?? "")
      .filter((name) => name.startsWith(NET_NAMESPACE_PREFIX));
    for (const namespace of ours) {
      const pids = (await runner.run(["ip", "netns", "pids", namespace])).split(/\s+/);
      for (const pid of pids.filter((each) => each !== "")) {
        // One that has just ended is as good.
        await runner.run(["kill", "-KILL", pid]).catch((error: unknown) => {
          if (!isMusterError(error)) throw error;
        });
      }
    }
    this.#hasEndedLeftOvers = true;
  }

  async #removeFilesBut(names: ReadonlySet<string>): Promise<void> {
    const { directory } = this.#parts;
    // Nothing was ever served here: there is no such directory.
    if (!existsSync(directory)) return;
    const files = await readdir(directory);
    for (const file of files) {
      const [, name] = /^(.+)\.(?:conf|hosts|leases)$/.exec(file) ?? [];
      if (name !== undefined && !names.has(name)) await rm(join(directory, file), { force: true });
    }
  }
}

const NET_NAMESPACE_PREFIX = `${NAMESPACE_PREFIX}net-`;

/** dnsmasq opens its ports within milliseconds, or ends. */
const SETTLED_MS = 300;

function start([program = "", ...args]: readonly string[]): ChildProcess {
  return spawn(program, args, { stdio: "ignore" });
}

/** Link-local, of this host and network: guests' answers to it stay on the network. */
export function serverAddress(hostId: HostId, network: string): string {
  const [high = 0, low = 0] = createHash("sha256")
    .update(`muster dhcp ${hostId} ${network}`)
    .digest();
  return `169.254.${String(1 + (high % 254))}.${String(1 + (low % 254))}`;
}

/** True: it was another, or none. */
async function replaceFile(path: string, text: string): Promise<boolean> {
  if (existsSync(path) && (await readFile(path, "utf8")) === text) return false;
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
  return true;
}
