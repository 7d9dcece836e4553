/**
 * `npm run simulate -- [--seed N] [--seeds COUNT] [--hosts N] [--minutes N]`: runs seeded trouble and prints what a
 * failing seed did.
 */
import { parseArgs } from "node:util";
import { runChaos } from "./chaos.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "1" },
    hosts: { type: "string", default: "4" },
    minutes: { type: "string", default: "30" },
    verbose: { type: "boolean", default: false },
  },
});

const first = Number(values.seed);
const count = Number(values.seeds);
let failed = 0;
const beganMs = performance.now();
for (let seed = first; seed < first + count; seed += 1) {
  const result = await runChaos({
    seed,
    hosts: Number(values.hosts),
    minutes: Number(values.minutes),
    ...(values.verbose
      ? {
          onLog: (line: string) => {
            console.log(line);
          },
        }
      : {}),
  });
  if (result.violations.length === 0 && !values.verbose) continue;
  for (const line of result.log) console.log(line);
  for (const violation of result.violations) console.log(`seed ${String(seed)}: ${violation}`);
  if (result.violations.length > 0) failed += 1;
}
const seconds = ((performance.now() - beganMs) / 1000).toFixed(1);
console.log(`${String(count)} seeds from ${String(first)}, ${String(failed)} failed, ${seconds} s`);
process.exitCode = failed === 0 ? 0 : 1;
