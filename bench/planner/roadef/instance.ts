/** An instance of the ROADEF/EURO 2012 machine reassignment problem, as the challenge's files give it. */
import { readFileSync } from "node:fs";

export interface RoadefInstance {
  readonly resourceCount: number;
  readonly machineCount: number;
  readonly serviceCount: number;
  readonly processCount: number;
  /** By resource: 1 when a moved process still uses it where it was. */
  readonly transient: Uint8Array;
  readonly loadWeight: Float64Array;
  readonly neighbourhood: Int32Array;
  readonly location: Int32Array;
  /** By machine, then resource. */
  readonly capacity: Int32Array;
  readonly safety: Int32Array;
  /** By machine, then resource: capacity beyond the safe use. */
  readonly headroom: Int32Array;
  /** By machine, then machine. */
  readonly machineMoveCost: Uint16Array;
  readonly spreadMin: Int32Array;
  /** By service: services that must be in each of its neighbourhoods. */
  readonly dependsOn: readonly Int32Array[];
  readonly serviceOf: Int32Array;
  /** By process, then resource. */
  readonly need: Int32Array;
  readonly processMoveCost: Float64Array;
  readonly balanceCount: number;
  readonly balances: readonly {
    readonly first: number;
    readonly second: number;
    readonly target: number;
    readonly weight: number;
  }[];
  readonly weights: {
    readonly process: number;
    readonly service: number;
    readonly machine: number;
  };
  readonly initial: Int32Array;
}

export function readRoadef(modelPath: string, assignmentPath: string): RoadefInstance {
  const next = numbersOf(readFileSync(modelPath));
  const list = (count: number) => Array.from({ length: count }, next);
  const resourceCount = next();
  const resources = Array.from({ length: resourceCount }, () => ({
    isTransient: next(),
    weight: next(),
  }));
  const machineCount = next();
  const neighbourhood = new Int32Array(machineCount);
  const location = new Int32Array(machineCount);
  const capacity = new Int32Array(machineCount * resourceCount);
  const safety = new Int32Array(machineCount * resourceCount);
  const machineMoveCost = new Uint16Array(machineCount * machineCount);
  for (let m = 0; m < machineCount; m++) {
    neighbourhood[m] = next();
    location[m] = next();
    capacity.set(list(resourceCount), m * resourceCount);
    safety.set(list(resourceCount), m * resourceCount);
    machineMoveCost.set(list(machineCount), m * machineCount);
  }
  const services = Array.from({ length: next() }, () => {
    const spread = next();
    return { spread, dependsOn: Int32Array.from(list(next())) };
  });
  const processCount = next();
  const serviceOf = new Int32Array(processCount);
  const need = new Int32Array(processCount * resourceCount);
  const processMoveCost = new Float64Array(processCount);
  for (let p = 0; p < processCount; p++) {
    serviceOf[p] = next();
    need.set(list(resourceCount), p * resourceCount);
    processMoveCost[p] = next();
  }
  const balances = Array.from({ length: next() }, () => {
    const [first = 0, second = 0, target = 0, weight = 0] = list(4);
    return { first, second, target, weight };
  });
  const [process = 0, service = 0, machine = 0] = list(3);
  const initial = Int32Array.from(readFileSync(assignmentPath, "utf8").trim().split(/\s+/), Number);
  if (initial.length !== processCount) {
    throw new Error(`${assignmentPath} has ${initial.length} processes, the model ${processCount}`);
  }
  return {
    resourceCount,
    machineCount,
    serviceCount: services.length,
    processCount,
    transient: Uint8Array.from(resources, (resource) => resource.isTransient),
    loadWeight: Float64Array.from(resources, (resource) => resource.weight),
    neighbourhood,
    location,
    capacity,
    safety,
    headroom: capacity.map((all, at) => all - (safety[at] as number)),
    machineMoveCost,
    spreadMin: Int32Array.from(services, (entry) => entry.spread),
    dependsOn: services.map((entry) => entry.dependsOn),
    serviceOf,
    need,
    processMoveCost,
    balanceCount: balances.length,
    balances,
    weights: { process, service, machine },
    initial,
  };
}

/** The numbers of a text, one after the other: the large models are tens of megabytes. */
function numbersOf(text: Uint8Array): () => number {
  let at = 0;
  return () => {
    while (at < text.length && ((text[at] as number) < 48 || (text[at] as number) > 57)) at++;
    if (at >= text.length) throw new Error("the model ends too early");
    let value = 0;
    while (at < text.length && (text[at] as number) >= 48 && (text[at] as number) <= 57) {
      value = value * 10 + (text[at] as number) - 48;
      at++;
    }
    return value;
  };
}
