/** Keeps the host's footholds as they should be: reads, decides (pure), changes. */
import type { MusterError } from "@muster/model";
import { isMusterError } from "@muster/model";
import { errorLine, runActions } from "../networks/bridged-networks.ts";
import type { CommandRunner } from "../networks/command-runner.ts";
import { OneAtATime } from "../networks/one-at-a-time.ts";
import type { Foothold } from "./foothold.ts";
import { readFootholdState } from "./foothold-state.ts";
import { planFootholds, type FootholdAction } from "./plan-footholds.ts";
import { renderFootholdAction } from "./render-foothold-action.ts";

export class Footholds {
  readonly #runner: CommandRunner;
  readonly #hasOpenvswitch: boolean;
  readonly #turns = new OneAtATime();

  constructor(runner: CommandRunner, options: { readonly hasOpenvswitch: boolean }) {
    this.#runner = runner;
    this.#hasOpenvswitch = options.hasOpenvswitch;
  }

  /**
   * Makes the host have exactly these. Idempotent. Answers why some could not be made, by network.
   * @throws MusterError "network-failed" when the host cannot be asked, or what is stale cannot be removed
   */
  keep(wanted: readonly Foothold[]): Promise<ReadonlyMap<string, string>> {
    return this.#turns.run(() => this.#keep(wanted));
  }

  async #keep(wanted: readonly Foothold[]): Promise<ReadonlyMap<string, string>> {
    const state = await readFootholdState(this.#runner, { hasOpenvswitch: this.#hasOpenvswitch });
    const problems = new Map<string, string>();
    for (const action of planFootholds(state, wanted)) {
      const problem = await this.#carryOut(action);
      if (problem === undefined) continue;
      if (action.kind !== "make-foothold") throw problem;
      problems.set(action.foothold.network, errorLine(problem));
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
