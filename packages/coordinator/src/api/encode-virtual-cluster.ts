/** Virtual clusters to the wire: the record, and what the members' hosts say. */
import { isEnded, type NetworkSpec, type VirtualClusterRecord, type VmRecord } from "@muster/model";
import type * as pb from "@muster/proto/admin";
import { activeMembers } from "../virtual-clusters/decide-change.ts";
import { encodeVm } from "./encode-vm.ts";
import { vmView, type Sources } from "./vm-view.ts";

const doing: Readonly<Record<string, string>> = {
  "cluster-boot": "booting",
  "cluster-grow": "growing",
  "cluster-shrink": "shrinking",
  "cluster-start": "starting",
  "cluster-shutdown": "shutting down",
  "cluster-clean": "being cleaned",
};

/** One or two words for people. */
export function clusterState(cluster: VirtualClusterRecord, sources: Sources): string {
  const { operationId } = cluster;
  const operation =
    operationId === undefined ? undefined : sources.view.operations.get(operationId);
  if (operation !== undefined && !isEnded(operation.state)) {
    return operation.state === "undoing" ? "undoing" : (doing[operation.type] ?? "changing");
  }
  if (!cluster.booted) return "broken";
  const activeCount = activeMembers(cluster, sources).length;
  if (activeCount === 0) return "shut off";
  return activeCount === cluster.members.length ? "active" : "partly active";
}

/** For what is decided and not stored yet: the network and the VMs as they will be. */
export interface Decided {
  readonly network: NetworkSpec | undefined;
  readonly vms: readonly VmRecord[];
}

export function encodeVirtualCluster(
  cluster: VirtualClusterRecord,
  sources: Sources,
  decided?: Decided,
): pb.VirtualCluster {
  const { view } = sources;
  const network = decided?.network ?? view.networks.get(cluster.network)?.spec;
  const planned = new Map(decided?.vms.map((vm) => [vm.id, vm]));
  return {
    name: cluster.name,
    image: cluster.image,
    state: decided === undefined ? clusterState(cluster, sources) : "planned",
    members: cluster.members.map((member) => {
      const vm = planned.get(member.vmId) ?? view.vms.get(member.vmId);
      const nic = vm?.spec.nics.find((each) => each.network === cluster.network);
      return {
        role: member.role,
        inside: member.inside,
        vm: vm === undefined ? undefined : encodeVm(vmView(vm, sources), view),
        privateAddress: nic?.addresses?.[0] ?? "",
        privateMac: nic?.mac ?? "",
      };
    }),
    network: cluster.network,
    vlan: network?.segment.kind === "vlan" ? network.segment.vlan : 0,
    privateSubnet: network?.subnets[0]?.cidr ?? "",
    publicNetwork: cluster.publicNetwork ?? "",
    publicAddress: cluster.publicAddress ?? "",
    fullName: cluster.fullName,
    leaseEndsAt: cluster.lease?.endsAt ?? "",
    leaseWarnSeconds: cluster.lease?.warnSeconds ?? 0,
    givenUp: cluster.givenUp.map((each) => ({ ...each })),
    operationId: cluster.operationId ?? "",
    createdAt: cluster.createdAt,
    createdBy: cluster.createdBy,
  };
}
