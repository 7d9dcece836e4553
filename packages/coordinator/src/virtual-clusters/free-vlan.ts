/** The VLANs that virtual clusters may have and nobody has. Pure. */
import { MusterError, renderVlans, type NetworkSpec, type VlanRange } from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";

const covers = (ranges: readonly VlanRange[], vlan: number): boolean =>
  ranges.some(({ first, last }) => first <= vlan && vlan <= last);

/** Trunks too: what a guest may tag with is not another cluster's. */
const hasVlan = ({ segment }: NetworkSpec, vlan: number): boolean =>
  (segment.kind === "vlan" && segment.vlan === vlan) ||
  (segment.kind === "trunk" && covers(segment.vlans, vlan));

/** In order. What a network was before a change that has not ended is not free: it may go back to it. */
export function freeVlans(view: LedgerView): readonly number[] {
  const { vlans, uplink } = view.virtualClusterSettings;
  const others = [...view.networks.values()]
    .flatMap(({ spec, rollout }) => [spec, rollout?.previous?.spec ?? spec])
    .filter((spec) => spec.uplink === uplink);
  const all = new Set<number>();
  for (const { first, last } of vlans) {
    for (let vlan = first; vlan <= last; vlan += 1) all.add(vlan);
  }
  return [...all]
    .filter((vlan) => !others.some((spec) => hasVlan(spec, vlan)))
    .toSorted((one, other) => one - other);
}

export function takeVlan(view: LedgerView): number {
  const { vlans } = view.virtualClusterSettings;
  if (vlans.length === 0) {
    throw new MusterError("wrong-state", "virtual clusters have no VLANs", {
      hint: "say which they may have: muster cluster settings set --vlans 100-199",
    });
  }
  const [free] = freeVlans(view);
  if (free !== undefined) return free;
  throw new MusterError("limit-exceeded", "all VLANs of virtual clusters are taken", {
    reasons: [`they may have ${renderVlans(vlans)}; see: muster network ls`],
    hint: "clean a cluster, or widen the range: muster cluster settings set --vlans",
  });
}
