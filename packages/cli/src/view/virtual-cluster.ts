/** Virtual clusters as the CLI shows them. Field names are those of `-o json`: a contract with scripts. */
import type { VirtualCluster, VirtualClusterMember } from "@muster/proto/admin";
import { vmStateWord, type VmStateWord } from "./words.ts";

export interface ClusterMemberView {
  readonly role: string;
  /** What the guest calls itself. */
  readonly inside: string;
  /** Of the VM. */
  readonly vm: string;
  readonly state: VmStateWord | "missing";
  readonly host: string;
  readonly cpus: number;
  readonly memoryBytes: bigint;
  readonly privateAddress: string;
  readonly privateMac: string;
  /** Empty: nothing ails it. */
  readonly trouble: string;
}

export interface VirtualClusterView {
  readonly name: string;
  readonly image: string;
  readonly state: string;
  readonly members: readonly ClusterMemberView[];
  readonly network: string;
  readonly vlan: number;
  readonly privateSubnet: string;
  readonly publicNetwork: string;
  readonly publicAddress: string;
  readonly fullName: string;
  /** Empty: without end. */
  readonly leaseEndsAt: string;
  readonly leaseWarnSeconds: number;
  readonly givenUp: readonly { readonly inside: string; readonly why: string }[];
  readonly operationId: string;
  readonly createdAt: string;
  readonly createdBy: string;
}

function decodeMember(wire: VirtualClusterMember): ClusterMemberView {
  const { role, inside, vm, privateAddress, privateMac } = wire;
  return {
    role,
    inside,
    vm: vm?.name ?? "",
    state: vm === undefined ? "missing" : vmStateWord(vm.state),
    host: vm?.host ?? "",
    cpus: vm?.spec?.cpus ?? 0,
    memoryBytes: vm?.spec?.memoryBytes ?? 0n,
    privateAddress,
    privateMac,
    trouble: vm?.trouble ?? "",
  };
}

export const decodeVirtualCluster = (wire: VirtualCluster): VirtualClusterView => ({
  ...wire,
  members: wire.members.map(decodeMember),
  givenUp: wire.givenUp.map(({ inside, why }) => ({ inside, why })),
});
