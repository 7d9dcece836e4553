/** VMs that are on hosts and not in the ledger: shown, and refused by name when somebody wants to change one (S8). */
import { isMusterError, MusterError, type VmObservation, type VmRecord } from "@muster/model";
import { findVm, type LedgerView } from "../ledger/view.ts";
import type { Observations } from "../observations/observations.ts";

export interface WildVm {
  readonly observed: VmObservation;
  readonly hostName: string;
  /** Since its host was heard; 0 while it is connected. */
  readonly ageMs: number;
}

interface Sources {
  readonly ledger: { readonly view: LedgerView };
  readonly observations: Observations;
}

/** By name or id. */
export function findWildVm(sources: Sources, nameOrId: string): WildVm | undefined {
  const { view } = sources.ledger;
  for (const [hostId, host] of sources.observations.hosts()) {
    for (const observed of host.vms.values()) {
      if (view.vms.has(observed.id)) continue;
      if (observed.id !== nameOrId && observed.name !== nameOrId) continue;
      const hostName = view.hosts.get(hostId)?.name ?? hostId;
      return { observed, hostName, ageMs: sources.observations.silentMs(hostId) ?? 0 };
    }
  }
  return undefined;
}

/** A VM that muster may change. A wild one is refused as what it is. */
export function findManagedVm(sources: Sources, nameOrId: string): VmRecord {
  try {
    return findVm(sources.ledger.view, nameOrId);
  } catch (error) {
    if (!isMusterError(error) || error.code !== "not-found") throw error;
    const wild = findWildVm(sources, nameOrId);
    if (wild === undefined) throw error;
    const message = `VM ${wild.observed.name} on host ${wild.hostName} is a wild VM: muster shows it and never touches it`;
    throw new MusterError("forbidden", message, {
      hint: `use virsh on ${wild.hostName}, or see it: muster vm ls --wild`,
    });
  }
}
