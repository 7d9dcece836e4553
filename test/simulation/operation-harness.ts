/**
 * Fails, repeats, interrupts and cancels every step of every operation. The runner, the commands, the store and the
 * agents are the production ones; the hypervisors are simulated.
 *
 * After each mishap everything is healed, and the promises of `invariants/` must hold: nothing is left over,
 * nothing is held, no VM has two owners, and the operation has ended.
 */
import { allOperations } from "../../packages/coordinator/src/operations/all-operations.ts";
import { isEnded, parseVmId, type OperationRecord } from "@muster/model";
import { aNetwork } from "@muster/model/testing";
import { encodeNetworkSpec } from "@muster/model/wire";
import { checkAtRest } from "./invariants/at-rest.ts";
import { CLUSTER_NETWORK } from "./cluster-requests.ts";
import {
  askAndWait,
  operationOf,
  untilEnded,
  WAIT_MS,
  why,
  type Request,
  type Scene,
} from "./operation-request.ts";
import { createVm, NEW_NETWORK } from "./operation-requests.ts";
import { simulatedFencing } from "./simulated-fencing.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";

/** Every type the coordinator has, so that none is forgotten above. */
export const operationTypes: readonly string[] = allOperations({
  // Names only: nothing is run with these.
  fencing: simulatedFencing(async () => ({})),
  leases: { watchdogActedAtMs: () => undefined },
}).names();

export type Mishap =
  /** The step fails once, before it had any effect. */
  | "fails"
  /** The step fails as often as it is tried, and then so do its undos for a while. */
  | "fails, and its undo too"
  /** The coordinator dies as the step begins and starts anew: the step runs again. */
  | "runs twice"
  /** It dies when the step had its effect and that is not recorded yet. */
  | "is lost after its effect"
  /** The step fails, and the coordinator dies while it is undone. */
  | "dies in its undo"
  | "is cancelled at it"
  /** The agents die as the step begins. */
  | "loses its agents";

export const mishaps: readonly Mishap[] = [
  "fails",
  "fails, and its undo too",
  "runs twice",
  "is lost after its effect",
  "dies in its undo",
  "is cancelled at it",
  "loses its agents",
];

export interface Aftermath {
  readonly operation: OperationRecord;
  /** What is broken once everything is healed; nothing is good. */
  readonly broken: readonly string[];
  /** Times the step was tried. */
  readonly attempts: number;
}

/** One operation, one of its steps, one mishap. */
export async function play(request: Request, step: string, mishap: Mishap): Promise<Aftermath> {
  await using cluster = await SimulatedCluster.start({ seed: 1, hosts: 2 });
  const stepMishap = new StepMishap(cluster, step, mishap);
  const scene = await prepare(cluster, request);
  const began = stepMishap.arm(request.type);
  const id = await request.ask(scene);
  await began(id);
  await heal(cluster);
  const operation = await untilEnded(cluster, id);
  // A fence may have switched a host off after everything was healed.
  await heal(cluster);
  await cluster.clock.runFor(10 * 60_000);
  const attempts = operation.steps.find(({ name }) => name === step)?.attempt ?? 0;
  return { operation, broken: checkAtRest(cluster), attempts };
}

async function prepare(cluster: SimulatedCluster, request: Request): Promise<Scene> {
  const { api } = cluster;
  const { operation } = await api.networks.createNetwork(
    { spec: encodeNetworkSpec(aNetwork({ name: "blue" })), why },
    api.context,
  );
  await untilEnded(cluster, operation?.id ?? "");
  const empty: Scene = { cluster, vmId: undefined };
  await askAndWait(empty, createVm("web"));
  const vm = cluster.coordinator.ledger.view.vmByName("web");
  const scene: Scene = { cluster, vmId: parseVmId(vm?.id ?? "") };
  await request.before?.(scene);
  await cluster.clock.runFor(5_000);
  return scene;
}

async function heal(cluster: SimulatedCluster): Promise<void> {
  cluster.library.failures = 0;
  await cluster.startCoordinator();
  for (const host of cluster.hostNames) {
    cluster.world.clearFaults(host);
    cluster.networksOf(host).healNetwork(NEW_NETWORK);
    cluster.networksOf(host).healNetwork(CLUSTER_NETWORK);
    if (cluster.world.host(host).isPowered) await cluster.startAgent(host);
    else await cluster.boot(host);
  }
}

/** Waits at the step and does the deed. */
class StepMishap {
  readonly #cluster: SimulatedCluster;
  readonly #step: string;
  readonly #mishap: Mishap;

  constructor(cluster: SimulatedCluster, step: string, mishap: Mishap) {
    this.#cluster = cluster;
    this.#step = step;
    this.#mishap = mishap;
  }

  arm(type: string): (id: string) => Promise<void> {
    const isNetwork = type.startsWith("network");
    return async (id) => {
      const begun = (): boolean => {
        const operation = operationOf(this.#cluster, id);
        const found = operation.steps.find(({ name }) => name === this.#step);
        return isEnded(operation.state) || found?.state === "running";
      };
      // The step before must not meet what is meant for this one: faults are injected as it begins.
      await this.#cluster.clock.runUntil(begun, WAIT_MS);
      await this.#do(id, isNetwork);
    };
  }

  async #do(id: string, isNetwork: boolean): Promise<void> {
    const cluster = this.#cluster;
    switch (this.#mishap) {
      case "fails":
        this.#failCalls(1);
        return this.#runUntilEnded(id);
      case "fails, and its undo too":
        this.#failCalls(3);
        return this.#runUntilEnded(id);
      case "dies in its undo":
        this.#failCalls(1);
        await this.#runUntilState(id, "undoing");
        return this.#restartCoordinator();
      case "runs twice":
        return this.#restartCoordinator();
      case "is lost after its effect":
        // Long enough for the command to reach the host and be done, not for its result to be recorded.
        await cluster.clock.runFor(isNetwork ? 0 : 25);
        return this.#restartCoordinator();
      case "is cancelled at it":
        if (!isEnded(operationOf(cluster, id).state)) {
          await cluster.api.operations.cancelOperation({ id, why }, cluster.api.context);
        }
        return;
      case "loses its agents":
        for (const host of cluster.hostNames) await cluster.killAgent(host);
        await cluster.clock.runFor(3_000);
        return;
    }
  }

  #failCalls(times: number): void {
    this.#cluster.library.failures = times;
    const changing = [
      "define",
      "start",
      "shutdown",
      "destroy",
      "reboot",
      "pause",
      "resume",
    ] as const;
    const seeds = ["place-seed", "remove-seed"] as const;
    const moving = ["mark", "undefine", "remove-volumes", "check-arrival", "migrate"] as const;
    for (const host of this.#cluster.hostNames) {
      for (const network of [NEW_NETWORK, CLUSTER_NETWORK]) {
        this.#cluster.networksOf(host).failNetwork(network, "a simulated fault");
      }
      for (const operation of [...changing, ...moving, ...seeds]) {
        this.#cluster.world.inject(host, { operation, times, effect: { kind: "fail" } });
      }
    }
  }

  /** Or for ten minutes: what must go forward tries again until everything is healed. */
  async #runUntilEnded(id: string): Promise<void> {
    const hasEnded = (): boolean => isEnded(operationOf(this.#cluster, id).state);
    await this.#cluster.clock.runUntil(hasEnded, 10 * 60_000);
  }

  async #runUntilState(id: string, state: OperationRecord["state"]): Promise<void> {
    const reached = (): boolean => {
      const now = operationOf(this.#cluster, id).state;
      return now === state || isEnded(now);
    };
    await this.#cluster.clock.runUntil(reached, WAIT_MS);
  }

  async #restartCoordinator(): Promise<void> {
    this.#cluster.killCoordinator();
    await this.#cluster.clock.runFor(2_000);
    await this.#cluster.startCoordinator();
  }
}
