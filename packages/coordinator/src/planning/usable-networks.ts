/** On which hosts VMs can use which networks, and why not on the others. Pure. */
import type { HostRecord, NetworkRecord } from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";
import type { Observations } from "../observations/observations.ts";
import { shouldHave } from "./host-network.ts";

export interface NetworkProblem {
  readonly network: string;
  readonly problem: string;
  readonly required: boolean;
}

export interface UsableNetworks {
  readonly usable: readonly string[];
  readonly problems: readonly NetworkProblem[];
}

/** Undefined: usable, or the host has not said anything that would tell. */
export function problemOn(
  network: NetworkRecord,
  host: HostRecord,
  observations: Observations,
): string | undefined {
  const observed = observations.get(host.id);
  const seen = observed?.networks.get(network.spec.name);
  if (seen === undefined) return observed?.reported === true ? "is not there yet" : undefined;
  if (seen.state !== "ready") return seen.message === "" ? `is ${seen.state}` : seen.message;
  return observations.unheardOn(network.spec.name).get(host.id);
}

export function usableNetworks(
  view: LedgerView,
  host: HostRecord,
  observations: Observations,
): UsableNetworks {
  const observed = observations.get(host.id);
  const usable: string[] = [];
  const problems: NetworkProblem[] = [];
  for (const network of view.networks.values()) {
    if (network.removing) continue;
    const { name, required } = network.spec;
    const isThere = observed?.networks.get(name)?.state === "ready";
    if (!isThere && !shouldHave(network, host)) continue;
    const problem = problemOn(network, host, observations);
    if (isThere && problem === undefined) usable.push(name);
    // One that is on its way keeps nobody from placing other VMs.
    else if (problem !== undefined) {
      problems.push({
        network: name,
        problem,
        required: required && observed?.networks.has(name) === true,
      });
    }
  }
  return { usable, problems };
}
