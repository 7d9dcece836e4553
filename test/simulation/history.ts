/**
 * A day in the life of an unlucky cluster: what a schedule says is done at its time, the promises are checked after
 * every step, and in the end everything is healed, left alone until it is quiet, and checked once more.
 */
import { isEnded } from "@muster/model";
import { seededRandom } from "@muster/runtime";
import { allDeeds } from "./deeds/all-deeds.ts";
import type { Deed, Scene } from "./deeds/deed.ts";
import { checkAtRest, checkNetworks, checkNow } from "./invariants/at-rest.ts";
import { refusalProblem } from "./invariants/refusals.ts";
import { createNetworkRequest } from "./requests.ts";
import { schedule, type Entry } from "./schedule.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";

export interface HistoryOptions {
  readonly seed: number;
  readonly hosts: number;
  /** Simulated minutes of trouble before everything is healed. */
  readonly minutes: number;
  /** Instead of what the seed gives. */
  readonly entries?: readonly Entry[];
  readonly onLog?: (line: string) => void;
}

export interface HistoryResult {
  readonly seed: number;
  readonly violations: readonly string[];
  /** What was done, for people who look at a failing seed. */
  readonly log: readonly string[];
  readonly operations: number;
}

/**
 * Long enough for every limit of an operation to run out, but for that of a migration that does not converge, and for
 * the longest pause before a host that was cut off by its networks is told to try them again.
 */
const QUIET_MAX_MS = 90 * 60_000;
const LOOK_MS = 30_000;
/** Quiet may be the pause before the next report. */
const AFTERWARDS_MS = 150_000;

export const entriesOf = ({ seed, minutes }: HistoryOptions): readonly Entry[] =>
  schedule({ seed, durationMs: minutes * 60_000 }, allDeeds);

export async function runHistory(options: HistoryOptions): Promise<HistoryResult> {
  const watchdog = seededRandom(options.seed + 1).fraction() < 0.5 ? { watchdogMs: 10_000 } : {};
  await using cluster = await SimulatedCluster.start({ ...options, ...watchdog, isRough: true });
  const history = new History(cluster);
  const violations = await history.run(options.entries ?? entriesOf(options));
  const operations = cluster.lastView?.cluster.operationCount ?? 0;
  return { seed: options.seed, violations, log: history.log, operations };
}

class History {
  readonly log: string[] = [];
  readonly #cluster: SimulatedCluster;
  readonly #refusals: string[] = [];
  #named = 0;

  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
  }

  async run(entries: readonly Entry[]): Promise<readonly string[]> {
    const cluster = this.#cluster;
    const beginMs = cluster.clock.now();
    for (const host of cluster.hostNames) {
      cluster.world.defineWild(host, {
        name: `wild-${host}`,
        memoryBytes: 64n << 20n,
        running: true,
      });
    }
    this.#ask("network create blue", () =>
      cluster.api.networks.createNetwork(createNetworkRequest("blue", 10), cluster.api.context),
    );
    this.#prepareForFailures();
    for (const entry of entries) {
      if (!(await this.#passUntil(beginMs + entry.atMs))) return this.#broken();
      this.#begin(entry);
    }
    return this.#heal();
  }

  /** Some hosts have fence devices, run by the coordinator or by the next host. */
  #prepareForFailures(): void {
    const { hostNames, random, api, secrets } = this.#cluster;
    hostNames.forEach((host, index) => {
      if (random.fraction() < 0.4) return;
      const password = `secret-of-${host}-${random.uuid()}`;
      secrets.keep(password);
      const other = hostNames[(index + 1) % hostNames.length] ?? "";
      const device = {
        agent: "fence_simulated",
        parameters: { plug: host, password },
        secrets: ["password"],
        viaHost: random.fraction() < 0.5 ? other : "",
      };
      this.#ask(`fence device of ${host}`, () =>
        api.fenceDevices.setHostFence({ host, devices: [device], why: undefined }, api.context),
      );
    });
  }

  /** False as soon as a promise is broken. */
  async #passUntil(endMs: number): Promise<boolean> {
    const { clock } = this.#cluster;
    const isBroken = (): boolean => this.#isBroken();
    if (await clock.runUntil(isBroken, endMs - clock.now())) return false;
    await clock.runFor(endMs - clock.now());
    return !isBroken();
  }

  #isBroken(): boolean {
    const cluster = this.#cluster;
    cluster.lookAtNetworks();
    return (
      this.#refusals.length + cluster.world.violations.length > 0 ||
      cluster.secrets.violations.length > 0 ||
      cluster.guard.violations.length > 0 ||
      cluster.ledgerWatch.violations.length + cluster.networkWatch.violations.length > 0
    );
  }

  #broken(): readonly string[] {
    return [...this.#refusals, ...checkNow(this.#cluster)];
  }

  #begin({ deed: name, seed, forMs }: Entry): void {
    const deed = deedsByName.get(name);
    if (deed === undefined) throw new Error(`there is no deed ${name}`);
    const scene: Scene = {
      cluster: this.#cluster,
      random: seededRandom(seed),
      note: (what) => {
        this.#note(what);
      },
      ask: (what, request) => {
        this.#ask(what, request);
      },
      newName: (prefix) => `${prefix}-${String((this.#named += 1))}`,
    };
    const end = deed.begin(scene);
    if (end !== undefined) void this.#cluster.clock.sleep(forMs).then(end);
  }

  /** Everything works again, and enough time passes for every limit to run out. */
  async #heal(): Promise<readonly string[]> {
    const cluster = this.#cluster;
    this.#note("heal everything");
    const endMs = cluster.clock.now() + QUIET_MAX_MS;
    do {
      await this.#healOnce();
      if (!(await this.#passUntil(cluster.clock.now() + LOOK_MS))) return this.#broken();
      if (!this.#isQuiet()) continue;
      if (!(await this.#passUntil(cluster.clock.now() + AFTERWARDS_MS))) return this.#broken();
      // Rebalancing by itself may have begun to move a VM meanwhile: that is to end too.
    } while (!this.#isQuiet() && cluster.clock.now() < endMs);
    return [...this.#refusals, ...checkAtRest(cluster)];
  }

  /** More than once: faults that began before may end, and begin again, after the first time. */
  async #healOnce(): Promise<void> {
    const cluster = this.#cluster;
    cluster.storeTrouble.isFull = false;
    cluster.areFenceDevicesBroken = false;
    delete cluster.storeTrouble.crash;
    await cluster.startCoordinator();
    for (const host of cluster.hostNames) {
      cluster.networksOf(host).healNetworks();
      cluster.reconnect(host);
      cluster.spareAgent(host);
      cluster.diskOf(host).setTrouble(undefined);
      cluster.world.clearFaults(host);
      cluster.world.boot(host);
      cluster.world.libvirtd(host, "thaw");
      cluster.world.libvirtd(host, "start");
      for (const other of cluster.hostNames) cluster.world.healLink(host, other);
      // What stands still goes on as a new agent.
      if (!cluster.isAgentUp(host)) await cluster.killAgent(host);
      await cluster.startAgent(host);
    }
    for (const vm of cluster.lastView?.vms.values() ?? []) {
      cluster.world.setGuest(vm.id, { dirtyBytesPerSecond: 20n << 20n, ignoresShutdown: false });
    }
  }

  #isQuiet(): boolean {
    const cluster = this.#cluster;
    if (!cluster.isCoordinatorUp) return false;
    const { view } = cluster.coordinator.ledger;
    if ([...view.operations.values()].some(({ state }) => !isEnded(state))) return false;
    if (checkNetworks(cluster).length > 0) return false;
    return cluster.hostNames.every((host) => cluster.journalOf(host).entries().length === 0);
  }

  #ask(what: string, request: () => Promise<unknown>): void {
    const { ledgerWatch } = this.#cluster;
    const asked = request().then(
      (answer) => {
        const id = operationIdIn(answer);
        if (id !== undefined) ledgerWatch.accepted(id);
        this.#note(`${what}${id === undefined ? "" : `: ${id}`}`);
      },
      (error: unknown) => {
        const problem = refusalProblem(error);
        if (problem !== undefined) this.#refusals.push(`S9: ${what}: ${problem}`);
        this.#cluster.secrets.saw(`the answer to ${what}`, String(error));
        this.#note(`${what}: refused: ${error instanceof Error ? error.message : String(error)}`);
      },
    );
    void asked;
  }

  #note(what: string): void {
    const seconds = (this.#cluster.clock.now() / 1000).toFixed(3).padStart(9);
    this.log.push(`${seconds} ${what}`);
  }
}

const deedsByName = new Map<string, Deed>(allDeeds.map((deed) => [deed.name, deed]));

function operationIdIn(answer: unknown): string | undefined {
  if (typeof answer !== "object" || answer === null || !("operation" in answer)) return undefined;
  const { operation } = answer as { readonly operation?: { readonly id: string } };
  return operation?.id;
}
