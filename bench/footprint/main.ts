/**
 * Memory, CPU and start-up time: without arguments, of muster's daemons on the lab (as root, dist/ built); else of a
 * program.
 *
 *   npm run bench -- footprint
 *   npm run bench -- footprint [options] -- COMMAND ARGUMENTS…
 *   npm run bench -- footprint --pid PID [options]
 *
 *   --ready-line REGEX | --ready-url URL   when it counts as started
 *   --settle SECONDS (5)  --window SECONDS (30)
 *   --resident-max MB  --private-max MB  --cpu-max PERCENT  --start-max MS   limits; beyond one, exit 1
 */
import { parseArgs } from "node:util";
import {
  measureFootprint,
  measureRunning,
  type Footprint,
  type FootprintRequest,
} from "./measure.ts";
import { measureCluster } from "./cluster.ts";
import { isBeyond, renderRow, type Row } from "./rows.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pid: { type: "string" },
    "ready-line": { type: "string" },
    "ready-url": { type: "string" },
    settle: { type: "string", default: "5" },
    window: { type: "string", default: "30" },
    "resident-max": { type: "string" },
    "private-max": { type: "string" },
    "cpu-max": { type: "string" },
    "start-max": { type: "string" },
  },
});

const MEGABYTE = 1_000_000;

function rowsOf(footprint: Omit<Footprint, "startUpMs"> & { readonly startUpMs?: number }): Row[] {
  const memory = (what: string, bytes: number, limit?: string): Row => ({
    what,
    measured: bytes / MEGABYTE,
    unit: "MB",
    limit,
  });
  return [
    { what: "start-up", measured: footprint.startUpMs, unit: "ms", limit: values["start-max"] },
    memory("resident", footprint.residentBytes, values["resident-max"]),
    memory("resident, peak", footprint.peakResidentBytes, values["resident-max"]),
    memory("private", footprint.privateBytes, values["private-max"]),
    memory("proportional", footprint.proportionalBytes),
    { what: "CPU", measured: footprint.cpuShare * 100, unit: "%", limit: values["cpu-max"] },
  ];
}

function readyCondition(): Pick<FootprintRequest, "ready"> {
  if (values["ready-line"] !== undefined)
    return { ready: { line: new RegExp(values["ready-line"], "m") } };
  if (values["ready-url"] !== undefined) return { ready: { url: values["ready-url"] } };
  return {};
}

async function measure(): Promise<Row[]> {
  const [settleMs, windowMs] = [Number(values.settle) * 1000, Number(values.window) * 1000];
  if (values.pid !== undefined) return rowsOf(await measureRunning(Number(values.pid), windowMs));
  const [program, ...args] = positionals;
  if (program === undefined) return measureCluster();
  const footprint = await measureFootprint({
    command: [program, ...args],
    ...readyCondition(),
    readyTimeoutMs: 60_000,
    settleMs,
    windowMs,
  });
  return rowsOf(footprint);
}

const rows = await measure();
for (const row of rows) console.log(renderRow(row));
process.exitCode = rows.some(isBeyond) ? 1 : 0;
