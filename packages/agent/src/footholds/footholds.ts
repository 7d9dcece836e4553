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
  /** How many use a borrowed one, by device. */
  readonly #borrowers = new Map<string, number>();

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

  /**
   * Makes the host have this one too while `work` runs; the last that uses it removes it. For purposes of which no list is
   * kept. @throws MusterError "network-failed"
   */
  async borrow<T>(foothold: Foothold, work: () => Promise<T>): Promise<T> {
    const { purpose, network } = foothold;
    const device = deviceOf(foothold);
    const others = (): readonly Foothold[] =>
      (this.#wanted.get(purpose) ?? []).filter((other) => other.network !== network);
    const count = (change: number): number => {
      const borrowers = (this.#borrowers.get(device) ?? 0) + change;
      this.#borrowers.set(device, borrowers);
      return borrowers;
    };
    count(1);
    try {
      const problem = (await this.keep(purpose, [...others(), foothold])).get(network);
      if (problem !== undefined) throw new MusterError("network-failed", problem);
      return await work();
    } finally {
      if (count(-1) === 0) {
        this.#borrowers.delete(device);
        await this.keep(purpose, others());
      }
    }
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
