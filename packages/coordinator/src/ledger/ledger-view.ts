/** Everything that is decided and wanted, as the rest of the coordinator reads it. */
import type {
  AddressReservation,
  ClaimRecord,
  ClusterPolicy,
  ContextRecord,
  GroupRecord,
  HostId,
  HostInterfacesRecord,
  HostRecord,
  ImagePolicy,
  ImageRecord,
  InviteRecord,
  NetworkRecord,
  OperationId,
  OperationRecord,
  PlanId,
  PlanRecord,
  RepositoryRecord,
  RuleRecord,
  UplinkRecord,
  VirtualClusterRecord,
  VirtualClusterSettings,
  VmId,
  VmRecord,
  AuditRecord,
} from "@muster/model";
import type {
  AuthorityRecord,
  ClusterRecord,
  CoordinatorRecord,
  SecretsRecord,
} from "./records.ts";

export interface LedgerView {
  readonly cluster: ClusterRecord;
  readonly hosts: ReadonlyMap<HostId, HostRecord>;
  readonly vms: ReadonlyMap<VmId, VmRecord>;
  readonly networks: ReadonlyMap<string, NetworkRecord>;
  readonly operations: ReadonlyMap<OperationId, OperationRecord>;
  readonly invites: ReadonlyMap<string, InviteRecord>;
  readonly audit: ReadonlyMap<string, AuditRecord>;
  /** By name. */
  readonly claims: ReadonlyMap<string, ClaimRecord>;
  readonly plans: ReadonlyMap<PlanId, PlanRecord>;
  readonly rules: ReadonlyMap<string, RuleRecord>;
  /** By name and version. */
  readonly images: ReadonlyMap<string, ImageRecord>;
  readonly imagePolicy: ImagePolicy;
  readonly repositories: ReadonlyMap<string, RepositoryRecord>;
  readonly policy: ClusterPolicy;
  /** By network and address. */
  readonly addresses: ReadonlyMap<string, AddressReservation>;
  /** By label and choice of hosts. */
  readonly uplinks: ReadonlyMap<string, UplinkRecord>;
  /** By VM. */
  readonly contexts: ReadonlyMap<VmId, ContextRecord>;
  /** Undefined until something was sealed. */
  readonly secrets: SecretsRecord | undefined;
  /** By name of the host. */
  readonly interfaces: ReadonlyMap<string, HostInterfacesRecord>;
  /** By name: those that are there, and those that have been. */
  readonly coordinators: ReadonlyMap<string, CoordinatorRecord>;
  /** Undefined until the first leader has made it. */
  readonly authority: AuthorityRecord | undefined;
  /** By name. */
  readonly groups: ReadonlyMap<string, GroupRecord>;
  /** By name. */
  readonly virtualClusters: ReadonlyMap<string, VirtualClusterRecord>;
  readonly virtualClusterSettings: VirtualClusterSettings;
  hostByName(name: string): HostRecord | undefined;
  vmByName(name: string): VmRecord | undefined;
  /** VMs that are placed on the host, or on their way there. */
  vmsOn(hostId: HostId): ReadonlyMap<VmId, VmRecord>;
}
