/** MACs and addresses that two VMs have, wild ones too: seen, never corrected. Pure. */
import { isActive, type VmId } from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";
import type { Observations } from "../observations/observations.ts";

export interface MacClash {
  readonly mac: string;
  /** "VM web-1", "wild VM x on h1". */
  readonly owners: readonly string[];
}

/** A VM that moves is on two hosts for a while, and is still one. */
export function macClashes(view: LedgerView, observations: Observations): readonly MacClash[] {
  const owners = new Map<string, Map<VmId, string>>();
  const note = (mac: string, id: VmId, what: string): void => {
    const known = owners.get(mac) ?? new Map<VmId, string>();
    if (!known.has(id)) known.set(id, what);
    owners.set(mac, known);
  };
  for (const { id, spec } of view.vms.values()) {
    for (const { mac } of spec.nics) note(mac, id, `VM ${spec.name}`);
  }
  for (const [hostId, observed] of observations.hosts()) {
    const host = view.hosts.get(hostId)?.name ?? hostId;
    for (const vm of observed.vms.values()) {
      if (view.vms.has(vm.id) || !isActive(vm.state)) continue;
      for (const mac of vm.macs) note(mac, vm.id, `wild VM ${vm.name} on ${host}`);
    }
  }
  return [...owners]
    .filter(([, vms]) => vms.size > 1)
    .map(([mac, vms]) => ({ mac, owners: [...vms.values()].toSorted() }))
    .toSorted((left, right) => (left.mac < right.mac ? -1 : 1));
}

export const renderClash = ({ mac, owners }: MacClash): string =>
  `${mac} is the MAC of ${owners.join(" and of ")}`;
