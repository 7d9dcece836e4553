/**
 * Takes a host through random configurations: each is made twice, reached from another one by an agent that dies after every
 * single change, and removed by one that does too.
 */
import { deepEqual, equal } from "node:assert/strict";
import type { CommandRunner } from "../command-runner.ts";
import type { NetworkDriver } from "../network-driver.ts";
import { nothingWanted, type HostConfiguration } from "./host-arbitraries.ts";

export interface RandomHost {
  readonly runner: CommandRunner;
  readonly openDriver: (runner: CommandRunner) => NetworkDriver;
  readonly snapshot: () => Promise<unknown>;
  /** How far it is, for who waits in vain. */
  readonly say?: (line: string) => void;
}

export interface RandomTotals {
  configurations: number;
  /** Deaths, each after one change. */
  interruptions: number;
}

const isQuestion = (argv: readonly string[]): boolean =>
  argv.includes("show") || argv.includes("list") || argv[0] === "readlink";

class Killed extends Error {}

/** Lets one change through and then fails for good: an agent that dies there. */
function dyingRunner(runner: CommandRunner): CommandRunner & { readonly hasChanged: boolean } {
  let changes = 0;
  return {
    get hasChanged() {
      return changes > 0;
    },
    async run(argv, options) {
      if (!isQuestion(argv)) {
        if (changes > 0) throw new Killed("the agent was killed");
        changes += 1;
      }
      return runner.run(argv, options);
    },
  };
}

/** More changes than any configuration needs: beyond it nothing comes to an end. */
const DEATHS_MAX = 300;

/** How often it died on the way. */
async function reachByDying(
  host: RandomHost,
  { networks, layout }: HostConfiguration,
): Promise<number> {
  for (let deaths = 0; deaths < DEATHS_MAX; deaths += 1) {
    const runner = dyingRunner(host.runner);
    if (deaths > 0 && deaths % 50 === 0) host.say?.(`# died ${String(deaths)} times`);
    try {
      await host.openDriver(runner).apply(networks, layout);
      return deaths;
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    }
  }
  throw new Error(`not there after ${String(DEATHS_MAX)} changes`);
}

function countingRunner(runner: CommandRunner): CommandRunner & { readonly changes: string[] } {
  const changes: string[] = [];
  return {
    changes,
    run(argv, options) {
      if (!isQuestion(argv)) changes.push(argv.join(" "));
      return runner.run(argv, options);
    },
  };
}

/** Makes it, sees that it works and that making it again changes nothing. */
async function makeTwice(
  host: RandomHost,
  { networks, layout }: HostConfiguration,
): Promise<unknown> {
  const first = await host.openDriver(host.runner).apply(networks, layout);
  deepEqual(
    first.filter(({ state }) => state !== "ready").map(({ name, message }) => [name, message]),
    [],
  );
  equal(first.length, networks.length);
  const made = await host.snapshot();
  const counting = countingRunner(host.runner);
  const again = host.openDriver(counting);
  deepEqual(await again.apply(networks, layout), first);
  deepEqual(counting.changes, [], "the second time changes nothing");
  deepEqual((await again.plan(networks, layout)).actions, []);
  const { uplinks, interfaces } = await again.observeLayout();
  deepEqual(
    interfaces.filter(({ problem }) => problem !== ""),
    [],
  );
  deepEqual(
    uplinks.map(({ label, problem }) => [label, problem]),
    layout.uplinks.map(({ label }) => [label, ""]),
  );
  deepEqual(await host.snapshot(), made);
  return made;
}

export async function tryConfiguration(
  host: RandomHost,
  [from, to]: readonly [HostConfiguration, HostConfiguration],
  totals: RandomTotals,
): Promise<void> {
  const remove = () => host.openDriver(host.runner).apply([], nothingWanted.layout);
  const bare = await host.snapshot();
  const made = await makeTwice(host, to);
  host.say?.("# made twice");
  await remove();
  deepEqual(await host.snapshot(), bare, "removed again: nothing left");
  await host.openDriver(host.runner).apply(from.networks, from.layout);
  host.say?.("# made another");
  totals.interruptions += await reachByDying(host, to);
  host.say?.("# reached");
  deepEqual(await host.snapshot(), made, "reached from another one by an agent that keeps dying");
  totals.interruptions += await reachByDying(host, nothingWanted);
  deepEqual(await host.snapshot(), bare, "removed by an agent that keeps dying: nothing left");
  totals.configurations += 1;
}
