/**
 * kill -9 of coordinator and agents at random moments, on real hypervisors, while VMs are made, moved and removed all the
 * time. Then it is left alone until it is quiet, and everything is counted.
 */
import type { Operation } from "@muster/proto/admin";
import { seededRandom, systemClock, type Random } from "@muster/runtime";
import { Cluster, said } from "../lab/cluster.ts";
import { countLeaks } from "./lab-leaks.ts";

export interface LabSoak {
  readonly kills: number;
  readonly durationMs: number;
  readonly seed: number;
  readonly print: (line: string) => void;
}

const HOSTS = 3;
/** At once: each is a QEMU without acceleration. */
const VMS_MAX = 5;
const QUIET_LIMIT_MS = 240_000;
const BETWEEN_KILLS_MS = 2_500;
/** A daemon is dead for so long at most: sometimes the next is there at once, sometimes everybody notices. */
const DEAD_MAX_MS = 2_000;

/** True when nothing was lost, doubled or leaked. */
export async function soakLab({ kills, durationMs, seed, print }: LabSoak): Promise<boolean> {
  const random = seededRandom(seed);
  await using cluster = await Cluster.up({ hosts: HOSTS, directory: "/tmp/muster-soak" });
  await cluster.createNetwork("blue", 10);
  const load = new Load(cluster, random);
  const loading = load.run();
  const endMs = systemClock.now() + durationMs;
  const killed = new Map<string, number>();
  let count = 0;
  while (count < kills && systemClock.now() < endMs) {
    await systemClock.sleep(random.fraction() * BETWEEN_KILLS_MS);
    const victim = await killOne(cluster, random);
    killed.set(victim, (killed.get(victim) ?? 0) + 1);
    count += 1;
    if (count % 10 === 0) print(`${String(count)} kills, ${String(load.accepted.size)} operations`);
  }
  load.stop();
  await loading;
  const problems = [
    ...(await untilQuiet(cluster, load.accepted)),
    ...(await countLeaks(cluster, load.names)),
  ];
  const who = [...killed].map(([name, times]) => `${name} ${String(times)}`).join(", ");
  const { accepted, refusals } = load;
  print(
    `${String(count)} kills (${who}); ${String(accepted.size)} accepted operations, ${String(refusals)} requests refused or not heard`,
  );
  print(load.outcomes(await Promise.all([...accepted].map((id) => cluster.operation(id)))));
  for (const problem of problems) print(`PROBLEM ${problem}`);
  print(
    `${String(problems.length)} lost operations, double runs, leaked claims, addresses or domains`,
  );
  return problems.length === 0;
}

async function killOne(cluster: Cluster, random: Random): Promise<string> {
  const deadMs = random.fraction() < 0.5 ? 0 : random.fraction() * DEAD_MAX_MS;
  const dart = random.fraction() * 2;
  if (dart < 1) {
    await cluster.killCoordinator();
    await systemClock.sleep(deadMs);
    await cluster.muster.startCoordinator();
    return "coordinator";
  }
  const host = `h${String(1 + Math.floor((dart - 1) * HOSTS))}`;
  await cluster.killAgent(host);
  await systemClock.sleep(deadMs);
  await cluster.muster.startAgent(host);
  return `agent of ${host}`;
}

/** People who make, move and remove VMs, one request after another. */
class Load {
  readonly accepted = new Set<string>();
  readonly names = new Set<string>();
  refusals = 0;
  readonly #cluster: Cluster;
  readonly #random: Random;
  #made = 0;
  #isOver = false;

  constructor(cluster: Cluster, random: Random) {
    this.#cluster = cluster;
    this.#random = random;
  }

  stop(): void {
    this.#isOver = true;
  }

  async run(): Promise<void> {
    while (!this.#isOver) {
      try {
        const operation = await this.#askSomething();
        if (operation !== undefined) this.accepted.add(operation.id);
      } catch {
        // Refused, or the coordinator was dead: whoever was not told "accepted" was promised nothing.
        this.refusals += 1;
      }
      await systemClock.sleep(200 + this.#random.fraction() * 800);
    }
  }

  outcomes(operations: readonly Operation[]): string {
    const counts = new Map<string, number>();
    for (const operation of operations) {
      const key = `${operation.type} ${said(operation).split(" ")[0] ?? ""}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return [...counts]
      .map(([key, times]) => `${key} ${String(times)}`)
      .toSorted()
      .join(", ");
  }

  async #askSomething(): Promise<Operation | undefined> {
    const vms = await this.#cluster.vms();
    const some = vms[Math.floor(this.#random.fraction() * vms.length)];
    const dart = this.#random.fraction();
    if (some === undefined || (vms.length < VMS_MAX && dart < 0.4)) {
      const name = `soak-${String((this.#made += 1))}`;
      this.names.add(name);
      return this.#cluster.createVm({ name, network: "blue" });
    }
    if (dart < 0.75) return this.#cluster.migrateVm(some.name);
    return this.#cluster.removeVm(some.name);
  }
}

async function untilQuiet(cluster: Cluster, accepted: ReadonlySet<string>): Promise<string[]> {
  await cluster.muster.waitForHosts(60_000);
  const problems: string[] = [];
  const endMs = systemClock.now() + QUIET_LIMIT_MS;
  for (const id of accepted) {
    try {
      await cluster.ended(id, Math.round(Math.max(1_000, endMs - systemClock.now())));
    } catch (error) {
      problems.push(`operation ${id} is lost or does not end: ${String(error)}`);
    }
  }
  return problems;
}
