/**
 * Read the host, decide, act, read again: the part of a driver that is the same for every kind of bridge.
 * What a kind of bridge can be asked and how it is changed is a `BridgeKind`; its decisions are pure.
 */
import {
  MusterError,
  causeText,
  isMusterError,
  type NetworkObservation,
  type NetworkSpec,
} from "@muster/model";
import type { CommandRunner } from "./command-runner.ts";
import { demandOf, demandsByName, type NetworkDemand } from "./network-demand.ts";
import type { NetworkDriver, NetworkPlan, PlannedAction } from "./network-driver.ts";

export interface BridgeKind<State> {
  readonly name: NetworkDriver["name"];
  /** The bridge that carries a network. */
  bridgeOf(network: NetworkDemand): string;
  /** What the host has now. Rejects with "network-failed" when it cannot be asked. */
  read(): Promise<State>;
  /** Pure. */
  plan(state: State, wanted: ReadonlyMap<string, NetworkDemand>): NetworkPlan;
  /** The networks whose mark is on the host. Pure. */
  marked(state: State): ReadonlyMap<string, NetworkDemand>;
  /** Why this network does not work on the host as it is; undefined: it does. Pure. */
  problem(state: State, network: NetworkDemand): string | undefined;
}

/** An error in one line, for a state that is reported instead of thrown. */
export function errorLine(error: MusterError): string {
  const cause = causeText(error);
  const text = cause === "" ? error.message : `${error.message}: ${cause}`;
  return error.hint === undefined ? text : `${text} (${error.hint})`;
}

/** Reasons by network; "every" is set when all of them are out of luck. */
interface Failures {
  every: string | undefined;
  readonly byNetwork: Map<string, string>;
}

async function carryOut(
  runner: CommandRunner,
  actions: readonly PlannedAction[],
): Promise<Failures> {
  const failures: Failures = { every: undefined, byNetwork: new Map() };
  for (const action of actions) {
    if (failures.every !== undefined) break;
    if (action.network !== undefined && failures.byNetwork.has(action.network)) continue;
    const failure = await carryOutOne(runner, action);
    if (failure === undefined) continue;
    if (action.network === undefined) failures.every = failure;
    else failures.byNetwork.set(action.network, failure);
  }
  return failures;
}

async function carryOutOne(
  runner: CommandRunner,
  action: PlannedAction,
): Promise<string | undefined> {
  try {
    await runActions(runner, [action]);
    return undefined;
  } catch (error) {
    if (isMusterError(error)) return errorLine(error);
    throw error;
  }
}

/** Carries actions out in order. Rejects with "network-failed" naming the first that failed. */
export async function runActions(
  runner: CommandRunner,
  actions: readonly PlannedAction[],
): Promise<void> {
  for (const action of actions) {
    try {
      for (const command of action.commands) await runner.run(command);
    } catch (cause) {
      if (!isMusterError(cause)) throw cause;
      const hint = action.hint ?? cause.hint;
      throw new MusterError("network-failed", `failed to ${action.summary}`, {
        cause,
        ...(hint === undefined ? {} : { hint }),
      });
    }
  }
}

export class BridgedNetworks<State> {
  readonly #kind: BridgeKind<State>;
  readonly #runner: CommandRunner;
  /** Of the last `apply`. Undefined until then: whatever carries our mark is taken to be wanted. */
  #wanted: ReadonlyMap<string, NetworkDemand> | undefined;
  /** Why a network could not be made by the last `apply`. */
  #reasons: ReadonlyMap<string, string> = new Map();

  constructor(kind: BridgeKind<State>, runner: CommandRunner) {
    this.#kind = kind;
    this.#runner = runner;
  }

  async plan(networks: readonly NetworkSpec[]): Promise<NetworkPlan> {
    return this.#kind.plan(await this.#kind.read(), demandsByName(networks.map(demandOf)));
  }

  async apply(networks: readonly NetworkSpec[]): Promise<readonly NetworkObservation[]> {
    const wanted = demandsByName(networks.map(demandOf));
    this.#wanted = wanted;
    this.#reasons = new Map();
    const state = await this.#readOrReason();
    if (typeof state === "string") return this.#allFailed(state);
    const plan = this.#kind.plan(state.value, wanted);
    const failures = await carryOut(this.#runner, plan.actions);
    this.#reasons = this.#reasonsOf(plan, failures);
    return plan.actions.length === 0 ? this.#report(state.value) : this.observe();
  }

  async observe(): Promise<readonly NetworkObservation[]> {
    const state = await this.#readOrReason();
    return typeof state === "string" ? this.#allFailed(state) : this.#report(state.value);
  }

  async #readOrReason(): Promise<{ readonly value: State } | string> {
    try {
      return { value: await this.#kind.read() };
    } catch (error) {
      if (isMusterError(error)) return errorLine(error);
      throw error;
    }
  }

  #reasonsOf(plan: NetworkPlan, failures: Failures): ReadonlyMap<string, string> {
    const reasons = new Map(failures.byNetwork);
    if (failures.every !== undefined) {
      for (const name of this.#wanted?.keys() ?? []) {
        if (!reasons.has(name)) reasons.set(name, failures.every);
      }
    }
    for (const { network, message } of plan.refusals) reasons.set(network, message);
    return reasons;
  }

  #allFailed(message: string): readonly NetworkObservation[] {
    return [...(this.#wanted ?? new Map<string, NetworkDemand>()).values()].map((network) =>
      this.#observation(network, message),
    );
  }

  #report(state: State): readonly NetworkObservation[] {
    const marked = this.#kind.marked(state);
    const wanted = this.#wanted ?? marked;
    const rest = [...marked.values()].filter(({ name }) => !wanted.has(name));
    const all = [...wanted.values()].map((network) => {
      const problem = this.#kind.problem(state, network);
      // What the host looks like says whether; what was tried says why.
      return this.#observation(
        network,
        problem === undefined ? "" : (this.#reasons.get(network.name) ?? problem),
      );
    });
    const leftOver = rest.map((network) =>
      this.#observation(
        network,
        `is to be removed: ${this.#reasons.get(network.name) ?? "not done yet"}`,
      ),
    );
    return [...all, ...leftOver].toSorted((left, right) => (left.name < right.name ? -1 : 1));
  }

  #observation(network: NetworkDemand, message: string): NetworkObservation {
    const { name, vlan } = network;
    const state = message === "" ? "ready" : "failed";
    return {
      name,
      state,
      message,
      vlan,
      driver: this.#kind.name,
      bridge: this.#kind.bridgeOf(network),
      wanted: "",
      found: "",
      carries: [],
    };
  }
}
