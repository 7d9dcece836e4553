/**
 * Everything that is checked: format, lint, types, generated code, tests in one process, tests on the lab.
 * Each stage says how long it took; the last line counts. `npm test -- --only unit,types` runs some.
 */
import { parseArgs } from "node:util";
import { missingForLab } from "./test/lab-needs.ts";
import { failureSummary } from "./test/failures.ts";
import { add, closingLine, nothing, type Outcome } from "./test/outcome.ts";
import { runQuietly } from "./test/process.ts";
import { runProjects } from "./test/vitest.ts";

interface Stage {
  readonly name: string;
  /** Quiet stages run beside each other and only speak when they fail. */
  readonly quiet: boolean;
  readonly run: () => Promise<Outcome>;
}

function check(name: string, command: string, args: readonly string[]): Stage {
  const run = async (): Promise<Outcome> => {
    const { exitCode, output } = await runQuietly(command, args);
    if (exitCode === 0) return { ...nothing, passed: 1 };
    console.log(`── ${name} failed ──\n${output.trimEnd()}`);
    return { ...nothing, failed: 1, failures: [`  ${name}: its output is above`] };
  };
  return { name, quiet: true, run };
}

async function runLab(): Promise<Outcome> {
  const missing = missingForLab();
  if (missing.length === 0) return runProjects(["lab"]);
  const line = "!".repeat(78);
  console.log(
    `${line}\nSKIPPED: the tests on real libvirt, QEMU and switches need root and Debian's packages.`,
  );
  for (const reason of missing) console.log(`  ${reason}`);
  console.log(`As root, "npm run setup" installs what is missing.\n${line}`);
  return { ...nothing, skipped: 1 };
}

const stages: readonly Stage[] = [
  check("format", "prettier", ["--check", "--cache", "--log-level=warn", "."]),
  check("lint", "eslint", ["--flag", "unstable_native_nodejs_ts_config", "."]),
  check("types", "tsc", ["-p", "tsconfig.json"]),
  check("gen", "node", ["scripts/gen.ts", "--check"]),
  { name: "unit", quiet: false, run: () => runProjects(["unit"]) },
  { name: "simulation", quiet: false, run: () => runProjects(["simulation"]) },
  { name: "lab", quiet: false, run: runLab },
];

interface Timed {
  readonly name: string;
  readonly outcome: Outcome;
  readonly seconds: number;
}

async function timed({ name, run }: Stage): Promise<Timed> {
  const started = performance.now();
  const outcome = await run();
  return { name, outcome, seconds: (performance.now() - started) / 1000 };
}

async function runStages(chosen: readonly Stage[]): Promise<Timed[]> {
  const results = await Promise.all(chosen.filter(({ quiet }) => quiet).map(timed));
  for (const stage of chosen.filter(({ quiet }) => !quiet)) {
    console.log(`\n── ${stage.name} ──`);
    results.push(await timed(stage));
  }
  return results;
}

function chosenStages(only: string | undefined): readonly Stage[] {
  if (only === undefined) return stages;
  const names = only.split(",");
  const unknown = names.filter((name) => !stages.some((stage) => stage.name === name));
  if (unknown.length > 0) {
    const known = stages.map(({ name }) => name).join(", ");
    console.error(`no stage ${unknown.join(", ")}; there are ${known}`);
    process.exit(2);
  }
  return stages.filter(({ name }) => names.includes(name));
}

const { values } = parseArgs({ options: { only: { type: "string" } } });
const results = await runStages(chosenStages(values.only));
console.log("");
for (const { name, outcome, seconds } of results) {
  const verdict = outcome.failed > 0 ? "FAILED" : outcome.passed === 0 ? "skipped" : "ok";
  const counts = closingLine(outcome);
  console.log(
    `${name.padEnd(11)} ${verdict.padEnd(8)} ${seconds.toFixed(1).padStart(7)} s   ${counts}`,
  );
}
const total = results.map(({ outcome }) => outcome).reduce(add, nothing);
process.exitCode = total.failed > 0 ? 1 : 0;
if (total.failed > 0) console.log(`\n${failureSummary(total.failures)}`);
console.log(`\n${closingLine(total)}`);
