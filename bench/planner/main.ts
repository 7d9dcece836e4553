/** `npm run bench -- planner WORK ...`: the planner measured on inputs that its peers can be given too. */
import { parseArgs } from "node:util";
import { benchPlace } from "./place.ts";
import { benchRebalance } from "./rebalance.ts";

const USAGE = `usage: planner rebalance --htools FILE [--max-moves K] [--ignore-dynu] [--seed S] [--seconds N]
                         [--evaluations N] [--moves-out FILE] [--json OUT]
       planner place --htools FILE --request FILE [--json OUT]`;

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
    evaluations: { type: "string" },
    "moves-out": { type: "string" },
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

const required = (name: "htools" | "request"): string =>
  values[name] ?? fail(`--${name} is needed`);

switch (positionals[0]) {
  case "rebalance":
    benchRebalance({
      htools: required("htools"),
      json: values.json,
      maxMoves: number(values["max-moves"]),
      ignoreDynu: values["ignore-dynu"],
      seed: number(values.seed) ?? 1,
      evaluations: number(values.evaluations),
      seconds: number(values.seconds),
      movesOut: values["moves-out"],
    });
    break;
  case "place":
    benchPlace({ htools: required("htools"), request: required("request"), json: values.json });
    break;
  default:
    fail(positionals[0] === undefined ? "which work?" : `there is no work ${positionals[0]}`);
}
