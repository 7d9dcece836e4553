/** Promises about virtual clusters, once everything is quiet: whole or not there, and nothing of one that is gone. */
import type { LedgerView } from "@muster/coordinator";
import { vlanOf } from "@muster/model";

export function checkClusters(view: LedgerView): readonly string[] {
  const clusters = [...view.virtualClusters.values()];
  const own = new Set(clusters.map(({ network }) => network));
  const broken = clusters.flatMap(({ name, operationId, members, network, booted }) => [
    ...(operationId === undefined ? [] : [`S4: virtual cluster ${name} is held by ${operationId}`]),
    ...(booted && !view.networks.has(network) ? [`leak: ${name} has no network ${network}`] : []),
    ...members
      .filter(({ vmId }) => !view.vms.has(vmId))
      .map(({ inside }) => `leak: ${inside} of ${name} has no VM`),
  ]);
  const members = new Set(clusters.flatMap((cluster) => cluster.members.map(({ vmId }) => vmId)));
  for (const vm of view.vms.values()) {
    const isOnOwn = vm.spec.nics.some((nic) => own.has(nic.network));
    if (isOnOwn && !members.has(vm.id)) broken.push(`leak: ${vm.spec.name} is of no cluster`);
  }
  const vlans = new Map<string, string>();
  for (const { spec } of view.networks.values()) {
    if (spec.isolated === true && !own.has(spec.name)) {
      broken.push(`leak: network ${spec.name} belongs to no virtual cluster`);
    }
    const wire = `${spec.uplink ?? ""}/${String(vlanOf(spec))}`;
    const other = vlans.get(wire);
    if (vlanOf(spec) !== 0 && other !== undefined) {
      broken.push(`S3: ${other} and ${spec.name} have VLAN ${String(vlanOf(spec))}`);
    }
    vlans.set(wire, spec.name);
  }
  return broken;
}
