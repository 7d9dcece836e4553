/** The kinds of records, their keys, and their stored form. */
import {
  fromJson,
  MusterError,
  renderHostChoice,
  upgradeNetworkRecord,
  type AddressReservation,
  type ClaimRecord,
  type ClusterId,
  type ClusterPolicy,
  type ContextRecord,
  type GroupRecord,
  type HostInterfacesRecord,
  imageKey,
  type HaSwitch,
  type ImagePolicy,
  type ImageRecord,
  type RepositoryRecord,
  type HostRecord,
  type InviteRecord,
  type NetworkRecord,
  type OperationRecord,
  type PlanRecord,
  type RuleRecord,
  type UplinkRecord,
  type UplinkSpec,
  type VirtualClusterRecord,
  type VirtualClusterSettings,
  type VmRecord,
  type AuditRecord,
} from "@muster/model";
import type { StoredRecord } from "../store/store.ts";

/** One for the whole cluster. */
export interface ClusterRecord {
  readonly id: ClusterId;
  /** Number of the last operation. */
  readonly operationCount: number;
  /** Number of the last MAC address that was given out. */
  readonly macCount: number;
  /** Newest form of records that may be in the store: see `format.ts`. Absent: 1. */
  readonly format?: number;
  /** Number of the last kept plan; absent: none yet. */
  readonly planCount?: number;
  /** Absent: armed. */
  readonly ha?: HaSwitch;
}

/** A coordinator that has been there. Kept while it is away, so that agents know where it will be. */
export interface CoordinatorRecord {
  readonly name: string;
  readonly version: string;
  /** Where agents and people reach it. */
  readonly addresses: readonly string[];
}

/** The cluster's certificate authority, for all coordinators. */
export interface AuthorityRecord {
  /** PEM. */
  readonly certificate: string;
  /** The key, sealed: see `authority/seal.ts`. Absent: every coordinator has it in a directory. */
  readonly sealedKey?: string;
}

/** What contexts are sealed with, sealed itself: see `contexts/key-ring.ts`. */
export interface SecretsRecord {
  /** The last one is in use; others only open what was sealed before. */
  readonly keys: readonly { readonly number: number; readonly sealedSecret: string }[];
}

export interface RecordKinds {
  readonly address: AddressReservation;
  readonly audit: AuditRecord;
  readonly authority: AuthorityRecord;
  readonly claim: ClaimRecord;
  readonly cluster: ClusterRecord;
  readonly context: ContextRecord;
  readonly coordinator: CoordinatorRecord;
  readonly group: GroupRecord;
  readonly host: HostRecord;
  readonly image: ImageRecord;
  readonly "image-policy": ImagePolicy;
  readonly interfaces: HostInterfacesRecord;
  readonly invite: InviteRecord;
  readonly vm: VmRecord;
  readonly network: NetworkRecord;
  readonly operation: OperationRecord;
  readonly plan: PlanRecord;
  readonly policy: ClusterPolicy;
  readonly repository: RepositoryRecord;
  readonly rule: RuleRecord;
  readonly secrets: SecretsRecord;
  readonly uplink: UplinkRecord;
  readonly "virtual-cluster": VirtualClusterRecord;
  readonly "virtual-cluster-settings": VirtualClusterSettings;
}

export type Kind = keyof RecordKinds;

/** An address means something on its network only. */
export const addressKey = ({ network, address }: Pick<AddressReservation, "network" | "address">) =>
  `${network}/${address}`;

/** One definition for each label and choice of hosts. */
export const uplinkKey = ({ label, hosts }: Pick<UplinkSpec, "label" | "hosts">): string =>
  `${label}/${renderHostChoice(hosts)}`;

const keysWithin: { readonly [K in Kind]: (record: RecordKinds[K]) => string } = {
  address: addressKey,
  audit: (record) => record.id,
  authority: () => "this",
  claim: (record) => record.name,
  cluster: () => "this",
  context: (record) => record.vmId,
  coordinator: (record) => record.name,
  group: (record) => record.name,
  host: (record) => record.id,
  image: imageKey,
  "image-policy": () => "this",
  interfaces: (record) => record.spec.host,
  invite: (record) => record.id,
  vm: (record) => record.id,
  network: (record) => record.spec.name,
  operation: (record) => record.id,
  plan: (record) => record.id,
  policy: () => "this",
  repository: (record) => record.name,
  rule: (record) => record.spec.name,
  secrets: () => "this",
  uplink: ({ spec }) => uplinkKey(spec),
  "virtual-cluster": (record) => record.name,
  "virtual-cluster-settings": () => "this",
};

/** What comes behind the kind. */
export const keyWithin = <K extends Kind>(kind: K, record: RecordKinds[K]): string =>
  keysWithin[kind](record);

export const keyOf = <K extends Kind>(kind: K, record: RecordKinds[K]): string =>
  `${kind}/${keyWithin(kind, record)}`;

/** Records of an earlier version in the present form. */
const upgraded = (kind: Kind, value: unknown): RecordKinds[Kind] =>
  kind === "network" ? upgradeNetworkRecord(value as NetworkRecord) : (value as RecordKinds[Kind]);

/** Undefined: of a kind that only a newer version knows. It stays stored as it is. */
export function decodeRecord(
  stored: StoredRecord,
): { readonly kind: Kind; readonly value: RecordKinds[Kind] } | undefined {
  const kind = stored.key.slice(0, stored.key.indexOf("/"));
  if (!Object.hasOwn(keysWithin, kind)) return undefined;
  try {
    return { kind: kind as Kind, value: upgraded(kind as Kind, fromJson(stored.value)) };
  } catch (cause) {
    throw new MusterError("storage-failed", `record ${stored.key} cannot be read`, { cause });
  }
}
