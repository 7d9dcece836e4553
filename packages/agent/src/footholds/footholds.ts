/** Keeps the host's footholds as they should be: reads, decides (pure), changes. */
import { isMusterError, MusterError } from "@muster/model";
import { errorLine, runActions } from "../networks/bridged-networks.ts";
import type { CommandRunner } from "../networks/command-runner.ts";
import { OneAtATime } from "../networks/one-at-a-time.ts";
import { deviceOf, type Foothold } from "./foothold.ts";
import { readFootholdState } from "./foothold-state.ts";
import { planFootholds, type FootholdAction } from "./plan-footholds.ts";
import { renderFootholdAction } from "./render-foothold-action.ts";

export class Footholds {
  readonly #runner: CommandRunner;
  readonly #hasOpenvswitch: boolean;
  readonly #turns = new OneAtATime();
  readonly #wanted = new Map<Foothold["purpose"], readonly Foothold[]>();

  constructor(runner: CommandRunner, options: { readonly hasOpenvswitch: boolean }) {
    this.#runner = runner;
    this.#hasOpenvswitch = options.hasOpenvswitch;
  }

  /**
   * Makes the host have exactly these, beside those of other purposes. Idempotent. Answers why some could not be made, by
   * network.
   * @throws MusterError "network-failed" when the host cannot be asked, or what is stale cannot be removed
   */
  keep(
    purpose: Foothold["purpose"],
    wanted: readonly Foothold[],
  ): Promise<ReadonlyMap<string, string>> {
    this.#wanted.set(purpose, wanted);
    return this.#keepAll(purpose);
  }

  /** Makes the host have this one too, until the next `keep` of its purpose. @throws MusterError "network-failed" */
  async ensure(foothold: Foothold): Promise<void> {
    const { purpose, network } = foothold;
    const others = (this.#wanted.get(purpose) ?? []).filter((other) => other.network !== network);
    const problems = await this.keep(purpose, [...others, foothold]);
    const problem = problems.get(network);
    if (problem !== undefined) throw new MusterError("network-failed", problem);
  }

  #keepAll(purpose: Foothold["purpose"]): Promise<ReadonlyMap<string, string>> {
    return this.#turns.run(async () => {
      const problems = await this.#keep([...this.#wanted.values()].flat());
      return new Map(
        [...problems].flatMap(([device, problem]) => {
          const own = this.#wanted.get(purpose)?.find((each) => deviceOf(each) === device);
          return own === undefined ? [] : [[own.network, problem] as const];
        }),
      );
    });
  }

  /** Problems by device. */
  async #keep(wanted: readonly Foothold[]): Promise<ReadonlyMap<string, string>> {
    const state = await readFootholdState(this.#runner, { hasOpenvswitch: this.#hasOpenvswitch });
    const problems = new Map<string, string>();
    for (const action of planFootholds(state, wanted)) {
      const problem = await this.#carryOut(action);
      if (problem === undefined) continue;
      if (action.kind !== "make-foothold") throw problem;
      problems.set(deviceOf(action.foothold), errorLine(problem));
    }
    return problems;
  }

  async #carryOut(action: FootholdAction): Promise<MusterError | undefined> {
    try {
      await runActions(this.#runner, [renderFootholdAction(action)]);
      return undefined;
    } catch (error) {
      if (isMusterError(error)) return error;
      throw error;
    }
  }
}
