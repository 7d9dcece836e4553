/** Everything that is decided and wanted, in memory, as it is in the store. Read freely; changed by the ledger. */
import {
  assert,
  DEFAULT_IMAGE_POLICY,
  DEFAULT_POLICY,
  defaultVirtualClusterSettings,
  isEnded,
  MusterError,
  planIdFrom,
  type AddressReservation,
  type ClaimRecord,
  type ClusterPolicy,
  type ContextRecord,
  type GroupRecord,
  type HostId,
  type HostInterfacesRecord,
  type HostRecord,
  type ImagePolicy,
  type ImageRecord,
  type InviteRecord,
  type NetworkRecord,
  type OperationId,
  type OperationRecord,
  type PlanId,
  type PlanRecord,
  type RepositoryRecord,
  type RuleRecord,
  type UplinkRecord,
  type VirtualClusterRecord,
  type VirtualClusterSettings,
  type VmId,
  type VmRecord,
  type AuditRecord,
} from "@muster/model";
import {
  keyWithin,
  type AuthorityRecord,
  type ClusterRecord,
  type CoordinatorRecord,
  type Kind,
  type RecordKinds,
  type SecretsRecord,
} from "./records.ts";
import type { LedgerView } from "./ledger-view.ts";
import { VmsByHost } from "./vms-by-host.ts";

export type { LedgerView } from "./ledger-view.ts";

type ManyKind = Exclude<
  Kind,
  "authority" | "cluster" | "image-policy" | "policy" | "secrets" | "virtual-cluster-settings"
>;

/** The view's changeable side. Only the ledger holds one. */
export class Tables implements LedgerView {
  #cluster: ClusterRecord | undefined;
  readonly hosts = new Map<HostId, HostRecord>();
  readonly vms = new Map<VmId, VmRecord>();
  readonly networks = new Map<string, NetworkRecord>();
  readonly operations = new Map<OperationId, OperationRecord>();
  readonly invites = new Map<string, InviteRecord>();
  readonly audit = new Map<string, AuditRecord>();
  readonly claims = new Map<string, ClaimRecord>();
  readonly plans = new Map<PlanId, PlanRecord>();
  readonly rules = new Map<string, RuleRecord>();
  readonly images = new Map<string, ImageRecord>();
  readonly repositories = new Map<string, RepositoryRecord>();
  readonly addresses = new Map<string, AddressReservation>();
  readonly uplinks = new Map<string, UplinkRecord>();
  readonly interfaces = new Map<string, HostInterfacesRecord>();
  readonly contexts = new Map<VmId, ContextRecord>();
  #secrets: SecretsRecord | undefined;
  readonly coordinators = new Map<string, CoordinatorRecord>();
  readonly groups = new Map<string, GroupRecord>();
  readonly virtualClusters = new Map<string, VirtualClusterRecord>();
  #virtualClusterSettings = defaultVirtualClusterSettings;
  #policy: ClusterPolicy = DEFAULT_POLICY;
  #imagePolicy: ImagePolicy = DEFAULT_IMAGE_POLICY;
  readonly #hostNames = new Map<string, HostId>();
  #authority: AuthorityRecord | undefined;
  readonly #vmNames = new Map<string, VmId>();
  readonly #vmsByHost = new VmsByHost();

  /** Of kinds with many records, by what comes behind the kind in their keys. */
  readonly #many: Readonly<Record<ManyKind, Map<string, RecordKinds[Kind]>>> = {
    address: this.addresses,
    audit: this.audit,
    claim: this.claims,
    context: this.contexts,
    coordinator: this.coordinators,
    group: this.groups,
    host: this.hosts,
    image: this.images,
    interfaces: this.interfaces,
    invite: this.invites,
    network: this.networks,
    operation: this.operations,
    plan: this.plans,
    repository: this.repositories,
    rule: this.rules,
    uplink: this.uplinks,
    "virtual-cluster": this.virtualClusters,
    vm: this.vms,
  };

  get cluster(): ClusterRecord {
    assert(this.#cluster !== undefined, "the ledger was opened");
    return this.#cluster;
  }

  get policy(): ClusterPolicy {
    return this.#policy;
  }

  get virtualClusterSettings(): VirtualClusterSettings {
    return this.#virtualClusterSettings;
  }

  get imagePolicy(): ImagePolicy {
    return this.#imagePolicy;
  }

  get authority(): AuthorityRecord | undefined {
    return this.#authority;
  }

  get secrets(): SecretsRecord | undefined {
    return this.#secrets;
  }

  get isEmpty(): boolean {
    return this.#cluster === undefined;
  }

  hostByName(name: string): HostRecord | undefined {
    const id = this.#hostNames.get(name);
    return id === undefined ? undefined : this.hosts.get(id);
  }

  vmsOn(hostId: HostId): ReadonlyMap<VmId, VmRecord> {
    return this.#vmsByHost.on(hostId);
  }

  vmByName(name: string): VmRecord | undefined {
    const id = this.#vmNames.get(name);
    return id === undefined ? undefined : this.vms.get(id);
  }

  /** The record with this key of the store. */
  find(key: string): { readonly kind: Kind; readonly value: RecordKinds[Kind] } | undefined {
    const kind = key.slice(0, key.indexOf("/")) as Kind;
    const within = key.slice(key.indexOf("/") + 1);
    const value = this.#find(kind, within);
    return value === undefined ? undefined : { kind, value };
  }

  #find(kind: Kind, within: string): RecordKinds[Kind] | undefined {
    switch (kind) {
      case "authority":
        return this.#authority;
      case "cluster":
        return this.#cluster;
      case "secrets":
        return this.#secrets;
      case "image-policy":
        return this.#imagePolicy;
      case "policy":
        return this.#policy;
      case "virtual-cluster-settings":
        return this.#virtualClusterSettings;
      default:
        return this.#manyOf(kind)?.get(within);
    }
  }

  put(kind: Kind, value: unknown): void {
    switch (kind) {
      case "authority":
        this.#authority = value as AuthorityRecord;
        return;
      case "cluster":
        this.#cluster = value as ClusterRecord;
        return;
      case "secrets":
        this.#secrets = value as SecretsRecord;
        return;
      case "host":
        this.#hostNames.set((value as HostRecord).name, (value as HostRecord).id);
        return set(this.hosts, value as HostRecord);
      case "image-policy":
        this.#imagePolicy = { ...DEFAULT_IMAGE_POLICY, ...(value as ImagePolicy) };
        return;
      case "vm":
        this.#vmNames.set((value as VmRecord).spec.name, (value as VmRecord).id);
        this.#vmsByHost.change(this.vms.get((value as VmRecord).id), value as VmRecord);
        return set(this.vms, value as VmRecord);
      case "policy":
        this.#policy = completePolicy(value as ClusterPolicy);
        return;
      case "virtual-cluster-settings":
        this.#virtualClusterSettings = {
          ...defaultVirtualClusterSettings,
          ...(value as VirtualClusterSettings),
        };
        return;
      default:
        this.#manyOf(kind)?.set(keyWithin(kind, value as never), value as RecordKinds[Kind]);
    }
  }

  remove(kind: Kind, value: RecordKinds[Kind]): void {
    switch (kind) {
      case "authority":
        this.#authority = undefined;
        return;
      case "cluster":
        throw new MusterError("internal", "the cluster record is never removed");
      case "secrets":
        this.#secrets = undefined;
        return;
      case "host":
        this.hosts.delete((value as HostRecord).id);
        this.#forgetHostName(value as HostRecord);
        return;
      case "image-policy":
        this.#imagePolicy = DEFAULT_IMAGE_POLICY;
        return;
      case "vm":
        this.#vmsByHost.change(this.vms.get((value as VmRecord).id), undefined);
        this.vms.delete((value as VmRecord).id);
        this.#vmNames.delete((value as VmRecord).spec.name);
        return;
      case "policy":
        this.#policy = DEFAULT_POLICY;
        return;
      case "virtual-cluster-settings":
        this.#virtualClusterSettings = defaultVirtualClusterSettings;
        return;
      default:
        this.#manyOf(kind)?.delete(keyWithin(kind, value as never));
    }
  }

  /** Undefined: a kind of a newer version. */
  #manyOf(kind: ManyKind): Map<string, RecordKinds[Kind]> | undefined {
    const known: Partial<Record<string, Map<string, RecordKinds[Kind]>>> = this.#many;
    return known[kind];
  }

  /** Its name may belong to a machine that came back as a new host. */
  #forgetHostName(host: HostRecord): void {
    if (this.#hostNames.get(host.name) === host.id) this.#hostNames.delete(host.name);
  }
}

/** One that was stored before a field was known has that field's default. */
const completePolicy = (stored: ClusterPolicy): ClusterPolicy => ({
  ...DEFAULT_POLICY,
  ...stored,
  rebalance: { ...DEFAULT_POLICY.rebalance, ...stored.rebalance },
});

function set<Id, Value extends { readonly id: Id }>(map: Map<Id, Value>, value: Value): void {
  map.set(value.id, value);
}

/** By name or id. */
export function findHost(view: LedgerView, nameOrId: string): HostRecord {
  const host = view.hosts.get(nameOrId as HostId) ?? view.hostByName(nameOrId);
  if (host !== undefined) return host;
  throw new MusterError("not-found", `there is no host "${nameOrId}"`, {
    hint: "see: muster host ls",
  });
}

/** By name or id. */
export function findVm(view: LedgerView, nameOrId: string): VmRecord {
  const vm = view.vms.get(nameOrId as VmId) ?? view.vmByName(nameOrId);
  if (vm !== undefined) return vm;
  throw new MusterError("not-found", `there is no VM "${nameOrId}"`, { hint: "see: muster vm ls" });
}

export function findNetwork(view: LedgerView, name: string): NetworkRecord {
  const network = view.networks.get(name);
  if (network !== undefined) return network;
  const known = [...view.networks.keys()].toSorted().join(", ");
  const hint =
    known === "" ? "none is defined: muster network create NAME --vlan ID" : `networks: ${known}`;
  throw new MusterError("not-found", `there is no network "${name}"`, { hint });
}

/** By id, or by a beginning that fits only one. */
export function findOperation(view: LedgerView, idOrPrefix: string): OperationRecord {
  const exact = view.operations.get(idOrPrefix as OperationId);
  if (exact !== undefined) return exact;
  const fitting = [...view.operations.values()].filter((operation) =>
    operation.id.startsWith(idOrPrefix),
  );
  const [only, second] = idOrPrefix === "" ? [] : fitting;
  if (only !== undefined && second === undefined) return only;
  const problem =
    second === undefined ? "there is no operation" : "more than one operation begins with";
  throw new MusterError("not-found", `${problem} "${idOrPrefix}"`, { hint: "see: muster op ls" });
}

export function findClaim(view: LedgerView, name: string): ClaimRecord {
  const claim = view.claims.get(name);
  if (claim !== undefined) return claim;
  throw new MusterError("not-found", `there is no claim "${name}"`, {
    hint: "see: muster claim ls",
  });
}

export function findRule(view: LedgerView, name: string): RuleRecord {
  const rule = view.rules.get(name);
  if (rule !== undefined) return rule;
  throw new MusterError("not-found", `there is no rule "${name}"`, {
    hint: "see: muster rule ls",
  });
}

/** By id; "7" is short for "plan-0007". */
export function findPlan(view: LedgerView, idOrNumber: string): PlanRecord {
  const id = /^\d{1,9}$/.test(idOrNumber) ? planIdFrom(Number(idOrNumber)) : idOrNumber;
  const plan = view.plans.get(id as PlanId);
  if (plan !== undefined) return plan;
  throw new MusterError("not-found", `there is no plan "${idOrNumber}"`, {
    hint: "see: muster plan ls",
  });
}

export const activeOperations = (view: LedgerView): readonly OperationRecord[] =>
  [...view.operations.values()].filter((operation) => !isEnded(operation.state));
