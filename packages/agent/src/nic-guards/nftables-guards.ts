/** Guards on Linux bridges, by nftables. */
import { isMusterError, MusterError } from "@muster/model";
import type { CommandRunner } from "../networks/command-runner.ts";
import { listOf, optional, parseJson, recordOf, textOf } from "../networks/json-reader.ts";
import { OneAtATime } from "../networks/one-at-a-time.ts";
import type { NicGuard } from "./nic-guard.ts";
import type { NicGuards } from "./nic-guards.ts";
import { TABLE, guardTableOf } from "./nftables-rules.ts";

interface PresentTable {
  readonly chains: ReadonlySet<string>;
  readonly rules: number;
}

export class NftablesGuards implements NicGuards {
  readonly #runner: CommandRunner;
  readonly #turns = new OneAtATime();

  constructor(runner: CommandRunner) {
    this.#runner = runner;
  }

  keep(guards: readonly NicGuard[]): Promise<void> {
    return this.#turns.run(() => this.#keep(guards));
  }

  async #keep(guards: readonly NicGuard[]): Promise<void> {
    const table = guardTableOf(guards);
    const present = await this.#read();
    const isThere = present?.chains.has(table.mark) === true && present.rules === table.rules;
    if (guards.length === 0 ? present === undefined : isThere) return;
    try {
      await this.#runner.run(["nft", "-f", "-"], { input: table.script });
    } catch (cause) {
      if (!isMusterError(cause)) throw cause;
      const hint = cause.hint ?? "the kernel must have nftables for bridges (nft_meta_bridge)";
      throw new MusterError("network-failed", "failed to guard NICs by nftables", { cause, hint });
    }
  }

  /** Undefined: there is no table of ours. */
  async #read(): Promise<PresentTable | undefined> {
    let text: string;
    try {
      text = await this.#runner.run(["nft", "-j", "list", "table", "bridge", TABLE]);
    } catch (error) {
      // No such table, or no nft: with something to guard, making it tells which.
      if (isMusterError(error)) return undefined;
      throw error;
    }
    const what = `nftables table ${TABLE}`;
    const items = listOf(recordOf(parseJson(text, what), what)["nftables"], what);
    const records = items.map((item) => recordOf(item, what));
    const chains = records.flatMap((record) => {
      const chain = optional(record["chain"], what, recordOf);
      return chain === undefined ? [] : [textOf(chain["name"], what)];
    });
    const rules = records.filter((record) => record["rule"] !== undefined).length;
    return { chains: new Set(chains), rules };
  }
}
