/** One seed after another, until the time is over. */
import { runHistory, type HistoryOptions } from "../simulation/history.ts";

export interface SeedsSoak {
  readonly seed: number;
  readonly hosts: number;
  /** Simulated, of each seed. */
  readonly hours: number;
  readonly durationMs: number;
  readonly print: (line: string) => void;
}

/** True when every promise was kept. */
export async function soakSeeds(soak: SeedsSoak): Promise<boolean> {
  const { hosts, hours, durationMs, print } = soak;
  const endMs = performance.now() + durationMs;
  let [ran, failed, operations] = [0, 0, 0];
  for (let seed = soak.seed; ran === 0 || performance.now() < endMs; seed += 1) {
    const options: HistoryOptions = { seed, hosts, minutes: hours * 60 };
    const result = await runHistory(options);
    ran += 1;
    operations += result.operations;
    if (result.violations.length === 0) continue;
    failed += 1;
    for (const violation of result.violations) print(`seed ${String(seed)}: ${violation}`);
    const size = `--hosts ${String(hosts)} --hours ${String(hours)}`;
    print(`look into it: npm run simulate -- --seed ${String(seed)} ${size}`);
  }
  const { user, system } = process.cpuUsage();
  const cpu = (user + system) / 1e6;
  const size = `${String(hosts)} hosts, ${String(hours)} hours each`;
  const each = `${(cpu / ran).toFixed(1)} s of CPU time a seed`;
  print(
    `${String(ran)} seeds (${size}), ${String(operations)} operations, ${String(failed)} failed, ${each}`,
  );
  return failed === 0;
}
