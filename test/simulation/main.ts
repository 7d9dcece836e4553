/**
 * `npm run simulate -- [--seed N] [--seeds COUNT] [--hosts N] [--minutes N | --hours N]`: runs seeded trouble. For a
 * seed that broke a promise it prints the shortest story it finds that still breaks it.
 */
import { parseArgs } from "node:util";
import { runHistory, type HistoryOptions, type HistoryResult } from "./history.ts";
import { renderEntry } from "./schedule.ts";
import { shrink } from "./shrink.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "1" },
    hosts: { type: "string", default: "4" },
    minutes: { type: "string", default: "30" },
    hours: { type: "string" },
    verbose: { type: "boolean", default: false },
    /** Stop at the first seed that fails. */
    "until-failure": { type: "boolean", default: false },
    /** Histories that may be run to make a failing one smaller; 0: none. */
    shrink: { type: "string", default: "150" },
  },
});

const first = Number(values.seed);
const count = Number(values.seeds);
const minutes = values.hours === undefined ? Number(values.minutes) : Number(values.hours) * 60;
const print = (line: string): void => {
  console.log(line);
};

async function explain(options: HistoryOptions, failing: HistoryResult): Promise<void> {
  const runsMax = Number(values.shrink);
  for (const violation of failing.violations) print(`seed ${String(options.seed)}: ${violation}`);
  if (runsMax === 0) return;
  const { entries, result, runs } = await shrink(options, failing, { runsMax });
  print(
    `the shortest history of ${String(runs)} that still breaks it, ${String(entries.length)} entries:`,
  );
  for (const entry of entries) print(`  ${renderEntry(entry)}`);
  print("what was done:");
  for (const line of result.log) print(`  ${line}`);
  for (const violation of result.violations) print(`  ${violation}`);
  const again = [`--seed ${String(options.seed)}`, `--hosts ${String(options.hosts)}`];
  print(
    `the whole of it: npm run simulate -- ${again.join(" ")} --minutes ${String(minutes)} --verbose`,
  );
}

let failed = 0;
let ran = 0;
let operations = 0;
const beganMs = performance.now();
for (let seed = first; seed < first + count; seed += 1) {
  const options: HistoryOptions = { seed, hosts: Number(values.hosts), minutes };
  const result = await runHistory(values.verbose ? { ...options, onLog: print } : options);
  ran += 1;
  operations += result.operations;
  if (values.verbose) for (const line of result.log) print(line);
  if (result.violations.length === 0) continue;
  failed += 1;
  await explain(options, result);
  if (values["until-failure"]) break;
}
const seconds = ((performance.now() - beganMs) / 1000).toFixed(1);
const { user, system } = process.cpuUsage();
const cpu = ((user + system) / 1e6).toFixed(1);
const what = `${String(ran)} seeds from ${String(first)}, ${String(operations)} operations`;
print(`${what}, ${String(failed)} failed, ${seconds} s, ${cpu} s of CPU time`);
process.exitCode = failed === 0 ? 0 : 1;
