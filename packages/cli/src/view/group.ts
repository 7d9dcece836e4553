/** Groups as the CLI shows them. Field names are those of `-o json`: a contract with scripts. */
import { viewVmSpec, type VmSpecView } from "@muster/model/wire";
import type { Group } from "@muster/proto/admin";
import { required } from "./required.ts";
import { vmStateWord, type VmStateWord } from "./words.ts";

export interface GroupMemberView {
  /** Of the VM. */
  readonly name: string;
  readonly state: VmStateWord | "missing";
  readonly host: string;
  readonly addresses: readonly string[];
  /** Of the profile it was made from; 0: it is not there. */
  readonly version: number;
  readonly trouble: string;
}

export interface GroupView {
  readonly name: string;
  readonly pattern: string;
  readonly size: number;
  readonly version: number;
  readonly profile: VmSpecView;
  readonly members: readonly GroupMemberView[];
  /** What is still to be done, a line each. */
  readonly plan: readonly string[];
  readonly operationId: string;
  readonly removing: boolean;
  readonly createdAt: string;
  readonly createdBy: string;
}

export const decodeGroup = (wire: Group): GroupView => ({
  name: wire.name,
  pattern: wire.pattern,
  size: wire.size,
  version: wire.version,
  profile: viewVmSpec(required(wire.profile, "profile")),
  members: wire.members.map(({ name, vm, version }) => ({
    name,
    state: vm === undefined ? "missing" : vmStateWord(vm.state),
    host: vm?.host ?? "",
    addresses: vm?.spec?.nics.flatMap((nic) => nic.addresses) ?? [],
    version,
    trouble: vm?.trouble ?? "",
  })),
  plan: wire.plan,
  operationId: wire.operationId,
  removing: wire.removing,
  createdAt: wire.createdAt,
  createdBy: wire.createdBy,
});
