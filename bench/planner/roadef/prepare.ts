/** What follows from an instance alone and is worth knowing before the search begins. */
import type { RoadefInstance } from "./instance.ts";

/** A list of machines that leaves out fewer than this share is not worth its memory. */
const WORTH_LISTING = 0.9;

/**
 * By process: machines that could ever take it. What has been there from the start never lets go of transient
 * resources, so a process that does not fit beside it never will.
 */
export function machinesFor(instance: RoadefInstance): readonly Int32Array[] {
  const { processCount, machineCount, resourceCount, initial, need, transient } = instance;
  const most = Int32Array.from(instance.capacity);
  for (let p = 0; p < processCount; p++) {
    const at = (initial[p] as number) * resourceCount;
    for (let r = 0; r < resourceCount; r++) {
      if (transient[r] === 0) continue;
      most[at + r] = (most[at + r] as number) - (need[p * resourceCount + r] as number);
    }
  }
  const fits = (process: number, machine: number): boolean => {
    for (let r = 0; r < resourceCount; r++) {
      const wanted = need[process * resourceCount + r] as number;
      if (wanted > (most[machine * resourceCount + r] as number)) return false;
    }
    return true;
  };
  const all = Int32Array.from({ length: machineCount }, (_, machine) => machine);
  return Array.from({ length: processCount }, (_, process) => {
    const some = all.filter((machine) => machine === initial[process] || fits(process, machine));
    return some.length > WORTH_LISTING * machineCount ? all : some;
  });
}

/** By process: what it takes of all capacity, and what it would cost on machines that are full. */
export function sizesOf(instance: RoadefInstance): readonly Float64Array[] {
  const { processCount, resourceCount, capacity, need, loadWeight } = instance;
  const total = new Float64Array(resourceCount);
  capacity.forEach((amount, at) => {
    total[at % resourceCount] = (total[at % resourceCount] as number) + amount;
  });
  const share = new Float64Array(processCount);
  const load = new Float64Array(processCount);
  need.forEach((amount, at) => {
    const process = Math.floor(at / resourceCount);
    const r = at % resourceCount;
    share[process] = (share[process] as number) + amount / (total[r] || 1);
    load[process] = (load[process] as number) + amount * (loadWeight[r] as number);
  });
  return [share, load];
}

/**
 * By process: how much it is drawn to its origin, 1 for an average need of one transient resource. Away from there it takes transient resources twice, which the
 * challenge's cost does not see but the next process that wants to move does.
 */
export function pullOf(instance: RoadefInstance): Float64Array {
  const { processCount, resourceCount, need, transient } = instance;
  const average = new Float64Array(resourceCount);
  need.forEach((amount, at) => {
    const r = at % resourceCount;
    average[r] = (average[r] as number) + amount / processCount;
  });
  const pull = new Float64Array(processCount);
  need.forEach((amount, at) => {
    const r = at % resourceCount;
    if (transient[r] === 0) return;
    const process = Math.floor(at / resourceCount);
    pull[process] = (pull[process] as number) + amount / (average[r] || 1);
  });
  return pull;
}
