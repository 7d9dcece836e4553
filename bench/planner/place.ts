import { readFileSync, writeFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { openPlanner, type PlaceRequest } from "@muster/planner";
import { readHtools, snapshotOf } from "./htools.ts";

export interface PlaceArguments {
  readonly htools: string;
  readonly request: string;
  readonly json: string | undefined;
}

/** One placement as hail is asked for it: `allocate` or `multi-allocate`. */
export function benchPlace(args: PlaceArguments): void {
  const requests = readRequests(args.request);
  const openedAt = performance.now();
  const planner = openPlanner(snapshotOf(readHtools(args.htools)));
  const openMilliseconds = performance.now() - openedAt;
  const answers = requests.map((request) => {
    const startedAt = performance.now();
    const answer = planner.placeAndClaim(request);
    return { milliseconds: performance.now() - startedAt, ...answer };
  });
  const result = { openMilliseconds, answers };
  if (args.json !== undefined) writeFileSync(args.json, `${JSON.stringify(result, null, 1)}\n`);
  for (const answer of answers) {
    const where = answer.ok ? `to ${answer.hostName}` : "nowhere";
    console.log(`${answer.asked.vmName} ${where} in ${answer.milliseconds.toFixed(3)} ms`);
  }
}

function readRequests(path: string): readonly PlaceRequest[] {
  const parsed: unknown = JSON.parse(readFileSync(path, "utf8"));
  const request = field(parsed, "request");
  const instances = field(request, "instances");
  const list: readonly unknown[] = Array.isArray(instances) ? instances : [request];
  return list.map((entry) => {
    const name = String(field(entry, "name"));
    return {
      vm: {
        id: name,
        name,
        cpus: Number(field(entry, "vcpus")),
        memoryBytes: BigInt(Number(field(entry, "memory"))) * 1024n * 1024n,
      },
    };
  });
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}
