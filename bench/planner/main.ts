/** `npm run bench -- planner WORK ...`: the planner measured on inputs that its peers can be given too. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { benchAzure } from "./azure.ts";
import type { Budget } from "./budget.ts";
import { benchByteDance } from "./bytedance/main.ts";
import { benchPlace } from "./place.ts";
import { benchQuestions } from "./questions.ts";
import { benchRebalance } from "./rebalance.ts";
import { benchRoadef } from "./roadef/main.ts";
import { benchScale } from "./scale.ts";
import { benchTable, sectionNames } from "./table/main.ts";

const USAGE = `usage: planner [table] [--data FOLDER] [--only ${sectionNames.join(",")}] [--cpu-seconds 20] [--json OUT]
       planner rebalance --htools FILE [--max-moves K] [--ignore-dynu] [--seed S] [--seconds N|--cpu-seconds N]
                         [--evaluations N] [--moves-out FILE] [--json OUT]
       planner place --htools FILE --request FILE [--json OUT]
       planner questions --htools FILE [--json OUT]
       planner scale [--hosts 10,100,1000] [--json OUT]
       planner azure --data FOLDER [--hosts 2000] [--cpus 48] [--memory-gib 128] [--json OUT]
       planner roadef --model FILE --assignment FILE --seconds N|--cpu-seconds N --seed S --out FILE
       planner bytedance --data FILE [--max-moves 100] [--seconds 5|--cpu-seconds 5] [--json OUT]`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    htools: { type: "string" },
    request: { type: "string" },
    json: { type: "string" },
    "max-moves": { type: "string" },
    "ignore-dynu": { type: "boolean", default: false },
    seed: { type: "string", default: "1" },
    seconds: { type: "string" },
    "cpu-seconds": { type: "string" },
    evaluations: { type: "string" },
    "moves-out": { type: "string" },
    hosts: { type: "string" },
    data: { type: "string" },
    model: { type: "string" },
    assignment: { type: "string" },
    out: { type: "string" },
    only: { type: "string" },
    cpus: { type: "string", default: "48" },
    "memory-gib": { type: "string", default: "128" },
  },
});

const number = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) fail(`not a number: ${text}`);
  return value;
};

function fail(why: string): never {
  console.error(`${why}\n${USAGE}`);
  process.exit(2);
}

const budgetOf = (usual: number): Budget => {
  const cpuSeconds = number(values["cpu-seconds"]);
  return { seconds: cpuSeconds ?? number(values.seconds) ?? usual, cpu: cpuSeconds !== undefined };
};

const required = (name: "htools" | "request" | "data" | "model" | "assignment" | "out"): string =>
  values[name] ?? fail(`--${name} is needed`);

function onlySections(): readonly string[] {
  const only = values.only?.split(",") ?? [];
  const unknown = only.find((name) => !sectionNames.includes(name));
  if (unknown !== undefined) fail(`the table has no part ${unknown}`);
  return only;
}

switch (positionals[0]) {
  case undefined:
  case "table":
    await benchTable({
      data: values.data ?? join(import.meta.dirname, "../../../shared/bench-data"),
      only: onlySections(),
      roadefSeconds: number(values["cpu-seconds"]) ?? 20,
      json: values.json,
    });
    break;
  case "rebalance":
    benchRebalance({
      htools: required("htools"),
      json: values.json,
      maxMoves: number(values["max-moves"]),
      ignoreDynu: values["ignore-dynu"],
      seed: number(values.seed) ?? 1,
      evaluations: number(values.evaluations),
      budget:
        values.seconds === undefined && values["cpu-seconds"] === undefined
          ? undefined
          : budgetOf(0),
      movesOut: values["moves-out"],
    });
    break;
  case "place":
    benchPlace({ htools: required("htools"), request: required("request"), json: values.json });
    break;
  case "questions":
    benchQuestions({ htools: required("htools"), json: values.json });
    break;
  case "scale":
    benchScale({
      sizes: (values.hosts ?? "10,100,1000,10000").split(",").map((size) => number(size) ?? 0),
      json: values.json,
    });
    break;
  case "azure":
    benchAzure({
      data: required("data"),
      hosts: number(values.hosts) ?? 2000,
      cpus: number(values.cpus) ?? 48,
      memoryGiB: number(values["memory-gib"]) ?? 128,
      json: values.json,
    });
    break;
  case "bytedance":
    benchByteDance({
      data: required("data"),
      maxMoves: number(values["max-moves"]) ?? 100,
      budget: budgetOf(5),
      seed: number(values.seed) ?? 1,
      json: values.json,
    });
    break;
  case "roadef":
    await benchRoadef({
      model: required("model"),
      assignment: required("assignment"),
      budget: budgetOf(300),
      seed: number(values.seed) ?? 1,
      out: required("out"),
    });
    break;
  default:
    fail(`there is no work ${positionals[0]}`);
}
