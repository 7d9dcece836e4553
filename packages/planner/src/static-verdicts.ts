import { compileWant } from "./compile.ts";
import { staticFilters } from "./filters/index.ts";
import type { CheckCount } from "./answer.ts";
import type { PlaceRequest, VmShape } from "./snapshot.ts";
import type { ClusterUsage } from "./usage.ts";
import type { Want } from "./want.ts";

/** Which hosts pass every rule that looks only at facts, not at accounts. */
export interface StaticVerdict {
  /** By host index. */
  readonly allowed: Uint8Array;
  /** Host indexes that are allowed, ascending. */
  readonly hosts: Int32Array;
  /** How many hosts each of those rules was the first to refuse. */
  readonly refusedByCheck: readonly CheckCount[];
}

/** Distinct requests remembered. Beyond it all are forgotten: a cluster has some dozens. */
const VERDICTS_MAX = 10_000;

/** Requests that ask for the same facts share one look at all hosts. */
export class StaticVerdicts {
  readonly #usage: ClusterUsage;
  readonly #verdicts = new Map<string, StaticVerdict>();

  constructor(usage: ClusterUsage) {
    this.#usage = usage;
  }

  of(want: Want): StaticVerdict {
    const key = keyOf(want.shape, want.fromHost);
    const known = this.#verdicts.get(key);
    if (known !== undefined) return known;
    if (this.#verdicts.size >= VERDICTS_MAX) this.#verdicts.clear();
    const verdict = judge(this.#usage, want);
    this.#verdicts.set(key, verdict);
    return verdict;
  }

  /** For a VM as it is: where it could be restarted or, with a source, move live. */
  ofVm(vm: PlaceRequest["vm"], fromHostId: string | undefined): StaticVerdict {
    const request = fromHostId === undefined ? { vm } : { vm, fromHostId };
    const from = this.#usage.hostIndexById.get(fromHostId ?? "") ?? -1;
    const known = this.#verdicts.get(keyOf(vm, from));
    return known ?? this.of(compileWant(this.#usage, request, from));
  }
}

/** Only a guest that sees its host's own processor depends on where it comes from. */
function keyOf(shape: VmShape, fromHost: number): string {
  return JSON.stringify([
    shape.networks,
    shape.disks?.map((disk) => disk.storage),
    shape.hostLabels,
    shape.pinnedTo,
    shape.machineType,
    shape.cpuModel,
    shape.cpuFeatures,
    shape.environment,
    shape.pool,
    shape.tenant,
    shape.cpuMode === "host" ? fromHost : -1,
  ]);
}

function judge(usage: ClusterUsage, want: Want): StaticVerdict {
  const allowed = new Uint8Array(usage.hosts.length).fill(1);
  const refusedByCheck: CheckCount[] = [];
  for (const filter of staticFilters) {
    if (!filter.applies(usage, want)) continue;
    let refused = 0;
    for (let host = 0; host < allowed.length; host++) {
      if (allowed[host] === 0 || filter.passes(usage, want, host)) continue;
      allowed[host] = 0;
      refused++;
    }
    if (refused > 0) refusedByCheck.push({ check: filter.name, hosts: refused });
  }
  const hosts: number[] = [];
  allowed.forEach((isAllowed, host) => {
    if (isAllowed === 1) hosts.push(host);
  });
  return { allowed, hosts: Int32Array.from(hosts), refusedByCheck };
}
