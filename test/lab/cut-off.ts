/**
 * A change of a host's own interfaces that cuts it off, and what may happen at the same time. The host's management address is
 * on a bridge that muster made; the change gives it another one, where no coordinator is.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Cluster } from "./cluster.ts";
import { waitFor } from "./lab.ts";

export const faults = ["coordinator killed", "agent killed", "switch port gone"] as const;

export type Fault = (typeof faults)[number];

/** What hosts are told to wait. */
export const CONFIRM_MS = 3_000;
/** And what they may take beyond it. */
export const GRACE_MS = 2_000;

const BRIDGE = "brmgmt";
const ELSEWHERE = "10.98.0.1/24";
const POLL_MS = 20;
const LIMIT_MS = 60_000;

export class CutOff {
  readonly #cluster: Cluster;
  readonly #host: string;
  readonly #address: string;

  constructor(cluster: Cluster, host: string) {
    this.#cluster = cluster;
    this.#host = host;
    this.#address = `${cluster.lab.host(host).address}/24`;
  }

  /** The address moves from eth0 to a bridge, and stays there because the coordinator is heard. */
  async prepare(): Promise<void> {
    const said = await this.#set(this.#address);
    if (said.exitCode !== 0) throw new Error(said.stderr);
    await this.#has(this.#address, "the bridge to have the address");
  }

  /** What is refused without the override, in the coordinator's words. */
  async refused(): Promise<string> {
    return (await this.#set(ELSEWHERE)).stderr;
  }

  /** Milliseconds from the moment the host was cut off to the moment it was as before. */
  async round(fault: Fault): Promise<number> {
    const said = this.#set(ELSEWHERE, "--override-protected");
    await this.#has(ELSEWHERE, "the host to be cut off");
    const cutMs = performance.now();
    await this.#strike(fault);
    await this.#has(this.#address, "the host to have its own address again");
    const backMs = performance.now() - cutMs;
    await this.#heal(fault);
    await said;
    await this.#cluster.muster.waitForHosts(LIMIT_MS);
    await this.#settled();
    return backMs;
  }

  async #strike(fault: Fault): Promise<void> {
    switch (fault) {
      case "coordinator killed":
        return this.#cluster.killCoordinator();
      case "agent killed":
        await this.#cluster.killAgent(this.#host);
        // As systemd does.
        await this.#cluster.muster.startAgent(this.#host);
        return;
      case "switch port gone":
        return this.#cluster.lab.host(this.#host).cut("mgmt");
    }
  }

  async #heal(fault: Fault): Promise<void> {
    if (fault === "coordinator killed") await this.#cluster.muster.startCoordinator();
    if (fault === "switch port gone") await this.#cluster.lab.host(this.#host).heal("mgmt");
  }

  /** The operation has ended, and the host has what the record says. */
  async #settled(): Promise<void> {
    await waitFor(
      "the host to be as it should",
      async () => {
        const { muster } = this.#cluster;
        const shown = await muster.muster(["host", "network", this.#host, "-o", "json"]);
        if (shown.exitCode !== 0) return false;
        const { differences } = JSON.parse(shown.stdout) as { differences: readonly string[] };
        const busy = await muster.muster(["op", "ls", "--active", "-o", "json"]);
        return differences.length === 0 && busy.stdout.trim() === "[]";
      },
      { timeoutMs: LIMIT_MS, everyMs: 200 },
    );
  }

  async #set(address: string, ...flags: readonly string[]) {
    const { lab, muster } = this.#cluster;
    const file = join(lab.directory, `${this.#host}-interfaces.yaml`);
    const own = { nic: "eth0", bridge: BRIDGE, source: "static", addresses: [address] };
    await writeFile(file, stringify({ interfaces: [own] }));
    return muster.muster(["host", "interfaces", "set", this.#host, "-f", file, ...flags]);
  }

  async #has(address: string, what: string): Promise<void> {
    const host = this.#cluster.lab.host(this.#host);
    let last = "";
    await waitFor(
      what,
      async () => {
        last = await host.exec(["ip", "-br", "addr"]).then(({ stdout }) => stdout);
        return last.split("\n").some((line) => line.startsWith(BRIDGE) && line.includes(address));
      },
      { timeoutMs: LIMIT_MS, everyMs: POLL_MS, explain: () => last },
    );
  }
}
