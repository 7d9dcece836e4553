/** A hypervisor that tells before it is made to change anything, so that the promises can be checked at that moment. */
import type { AgentParts } from "@muster/agent";
import type { VmId } from "@muster/model";

type Hypervisor = AgentParts["hypervisor"];

/** What an agent is about to have done to a VM. */
export interface Act {
  readonly host: string;
  readonly vmId: VmId;
  /** "define", "power destroy", "migrate", … */
  readonly what: string;
}

/** Calls that change nothing. */
const harmless = new Set(["checkArrival", "reattach"]);

export function watchedHypervisor(
  hypervisor: Hypervisor,
  host: string,
  onAct: (act: Act) => void,
): Hypervisor {
  const watched = <Port extends object>(port: Port): Port =>
    new Proxy(port, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function" || typeof name === "symbol") return value;
        return (...parameters: readonly unknown[]): unknown => {
          if (!harmless.has(name)) onAct({ host, ...subjectOf(name, parameters) });
          return Reflect.apply(value, target, parameters) as unknown;
        };
      },
    });
  return {
    watch: hypervisor.watch,
    control: watched(hypervisor.control),
    migration: watched(hypervisor.migration),
    console: hypervisor.console,
    seeds: hypervisor.seeds,
    facts: () => hypervisor.facts(),
    [Symbol.asyncDispose]: () => hypervisor[Symbol.asyncDispose](),
  };
}

function subjectOf(name: string, [first, second]: readonly unknown[]): Omit<Act, "host"> {
  const vmId = typeof first === "string" ? first : (first as { readonly vmId: VmId }).vmId;
  const detail = name === "power" ? ` ${String(second)}` : "";
  return { vmId: vmId as VmId, what: `${name}${detail}` };
}
