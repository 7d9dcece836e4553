/** Real clusters: a month of arrivals, and production snapshots to defragment. */
import { join } from "node:path";
import { replayAzure } from "../azure.ts";
import { defragment } from "../bytedance/main.ts";
import type { Row } from "./rows.ts";

const AZURE = { hosts: 2000, cpus: 48, memoryGiB: 128 };

export function* azureRows(data: string): Generator<Row> {
  const folder = join(data, "azure-v1-arrivals");
  const { vmCount, results } = replayAzure({ data: folder, ...AZURE });
  const planner = results.find(({ name }) => name === "planner");
  const bestFit = results.find(({ name }) => name === "best-fit");
  if (planner === undefined || bestFit === undefined) throw new Error("a way to place is missing");
  const stream = `${vmCount.toLocaleString("en")} Azure arrivals on ${AZURE.hosts} hosts`;
  yield { work: stream, measured: planner.seconds, unit: "s", bar: { atMost: 60 } };
  yield {
    work: "  limits broken",
    measured: planner.limitsBroken,
    unit: "",
    bar: { atMost: 0 },
  };
  yield {
    work: "  mean hosts in use",
    measured: planner.hostsMean,
    unit: "",
    bar: { atMost: bestFit.hostsMean },
    note: results.map((way) => `${way.name} ${way.hostsMean}, refused ${way.refused}`).join("; "),
  };
}

export function* byteDanceRows(data: string): Generator<Row> {
  const file = join(data, "bytedance-vmr", "reset_vm_pm_id_clear_big2.json");
  const budget = { seconds: 5, cpu: true };
  for (const found of defragment({ data: file, maxMoves: 100, budget, seed: 1 })) {
    yield {
      work: `fragments below 16 CPUs, ${found.hosts} hosts, ${found.migrations} moves`,
      measured: 100 * found.after,
      unit: "%",
      ...(found.hosts === 824 ? { bar: { atMost: 45 } } : {}),
      note: `from ${(100 * found.before).toFixed(1)} %; no plan of 100 moves gets below ${(100 * found.floor).toFixed(1)} %`,
    };
  }
}
