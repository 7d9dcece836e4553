/** Plays one scenario directory and gives its log. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { detailOf, GIB, isEnded } from "@muster/model";
import { vmView } from "@muster/coordinator";
import { checkAtRest, checkNow } from "./invariants/at-rest.ts";
import {
  calm,
  conditionOf,
  faultCommands,
  parseDuration,
  requestCommands,
  type Line,
  type Stage,
} from "./scenario-commands.ts";
import { errorText, ScenarioLog } from "./scenario-log.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";

interface ClusterFile {
  readonly hosts: number;
  readonly cpus?: number;
  readonly memoryGib?: number;
}

/** After the last line: until nothing is under way. */
const QUIET_MAX_MS = 3 * 3_600_000;
const AFTERWARDS_MS = 2 * 60_000;
const UNTIL_MAX_MS = 2 * 3_600_000;

export async function playScenario(directory: string): Promise<string> {
  const file = JSON.parse(readFileSync(join(directory, "cluster.json"), "utf8")) as ClusterFile;
  const script = readFileSync(join(directory, "script"), "utf8");
  await using cluster = await SimulatedCluster.start({
    seed: 1,
    hosts: file.hosts,
    cpusPerHost: file.cpus ?? 8,
    memoryBytesPerHost: BigInt(file.memoryGib ?? 16) * GIB,
  });
  for (const host of cluster.hostNames) cluster.network.setWeather(host, calm);
  const log = new ScenarioLog(cluster);
  log.follow(cluster.coordinator);
  cluster.clock.onStep = () => {
    log.step();
  };
  const stage: Stage = {
    cluster,
    log,
    lastOperation: undefined,
    ask: (request) => ask(stage, request),
  };
  for (const text of script.split("\n")) {
    if (text.trim() === "" || text.startsWith("#")) continue;
    log.say(`> ${text}`);
    await perform(stage, parseLine(text));
  }
  await untilQuiet(cluster);
  return [...log.lines, ...ending(cluster)].join("\n") + "\n";
}

function parseLine(text: string): Line {
  const all = text.trim().split(/\s+/);
  const pairs = all.flatMap((part): (readonly [string, string])[] => {
    const [key, value] = part.split("=");
    return key === undefined || value === undefined ? [] : [[key, value]];
  });
  return { words: all.filter((part) => !part.includes("=")), options: new Map(pairs) };
}

async function perform(stage: Stage, line: Line): Promise<void> {
  const { cluster } = stage;
  const [verb = "", first = ""] = line.words;
  if (verb === "run") return cluster.clock.runFor(parseDuration(first));
  if (verb === "until") {
    if (await cluster.clock.runUntil(conditionOf(stage, line), UNTIL_MAX_MS)) return;
    throw new Error(`"${line.words.join(" ")}" never came true`);
  }
  const command = requestCommands[verb] ?? faultCommands[verb];
  if (command === undefined) throw new Error(`"${verb}" is no command of scenarios`);
  await command(stage, line);
  // All that follows at once, before the next line.
  await cluster.clock.settle();
  stage.log.step();
}

async function ask(stage: Stage, request: () => Promise<unknown>): Promise<void> {
  try {
    const answer = (await request()) as { readonly operation?: { readonly id: string } };
    if (answer.operation === undefined) return;
    stage.lastOperation = answer.operation.id;
    stage.cluster.ledgerWatch.accepted(answer.operation.id);
  } catch (error) {
    stage.log.say(`  refused: ${errorText(detailOf(error))}`);
  }
}

async function untilQuiet(cluster: SimulatedCluster): Promise<void> {
  const isQuiet = (): boolean =>
    cluster.isCoordinatorUp &&
    [...(cluster.lastView?.operations.values() ?? [])].every(({ state }) => isEnded(state));
  await cluster.clock.runUntil(isQuiet, QUIET_MAX_MS);
  await cluster.clock.runFor(AFTERWARDS_MS);
}

/** How everything is in the end, and which promises are broken. */
function ending(cluster: SimulatedCluster): readonly string[] {
  if (!cluster.isCoordinatorUp) return ["in the end: no coordinator", ...broken(checkNow(cluster))];
  const { ledger, observations } = cluster.coordinator;
  const { view } = ledger;
  const vms = [...view.vms.values()].map((vm) => {
    const { state, hostName, trouble } = vmView(vm, { view, observations });
    return `  ${vm.spec.name}: ${state} on ${hostName}${trouble === "" ? "" : ` (${trouble})`}`;
  });
  return ["in the end:", ...vms.toSorted(), ...broken(checkAtRest(cluster))];
}

const broken = (violations: readonly string[]): readonly string[] =>
  violations.length === 0
    ? ["  every promise is kept"]
    : violations.map((violation) => `  BROKEN ${violation}`);
