/** The VMs of new members, placed and with addresses and MACs of their own. Pure. */
import {
  CLUSTER_MEMBERS_MAX,
  computeNameInside,
  computeNameOutside,
  isChosen,
  MusterError,
  type ClusterMember,
  type HostId,
  type HostRecord,
  type MemberRole,
  type MemberTemplate,
  type NetworkRecord,
  type NetworkSpec,
  type OperationId,
  type VirtualClusterRecord,
  type VmId,
  type VmRecord,
  type VmSpec,
} from "@muster/model";
import { snapshotHash, type Snapshot } from "@muster/planner";
import type { LedgerView } from "../ledger/view.ts";
import { requestFor } from "../planning/cluster-snapshot.ts";
import { NicGiver } from "../planning/complete-nics.ts";
import { uplinkOf } from "../planning/host-network.ts";
import { fillCommandLine } from "./fill-command-line.ts";
import { placeMembers, type ComputeWish, type Shape } from "./place-members.ts";
import { computeAddress, frontendAddress } from "./private-subnet.ts";

export interface MemberSources {
  readonly view: LedgerView;
  readonly snapshot: Snapshot;
  readonly wildMacs: ReadonlySet<string>;
  /** An id for each new member, never the same twice. */
  readonly newVmId: () => VmId;
  /** RFC 3339. */
  readonly now: string;
}

export interface MembersWish {
  readonly cluster: Pick<
    VirtualClusterRecord,
    "name" | "frontend" | "compute" | "members" | "computeCount" | "publicNetwork" | "publicAddress"
  >;
  readonly network: NetworkRecord;
  /** Present unless the network is made in the same decision. */
  readonly isNew: boolean;
  readonly computes: ComputeWish;
}

export interface NewMembers {
  readonly members: readonly ClusterMember[];
  /** Held by the operation that makes them. */
  readonly vms: (operationId: OperationId) => readonly VmRecord[];
  readonly computeCount: number;
  readonly macCount: number;
  readonly explanation: readonly string[];
}

interface Draft {
  readonly role: MemberRole;
  readonly inside: string;
  readonly name: string;
  readonly template: MemberTemplate;
  readonly cpus: number;
  readonly vmId: VmId;
}

export function makeMembers(wish: MembersWish, sources: MemberSources): NewMembers {
  const { view, snapshot } = sources;
  const { cluster, isNew } = wish;
  const { frontend, computeDraft } = drafts(cluster, sources.newVmId);
  const placed = placeMembers(snapshot, {
    cluster: cluster.name,
    ...(isNew ? { frontend: shapeOfDraft(frontend, wish) } : {}),
    computes: wish.computes,
    computeShape: (index, cpus) => shapeOfDraft(computeDraft(index, cpus), wish),
    computesMax: CLUSTER_MEMBERS_MAX - Math.max(1, cluster.members.length),
    hosts: allowedHosts(view, wish.network),
    cpusReserved: view.virtualClusterSettings.cpusReserved,
    usedHosts: hostsOfComputes(view, cluster.members),
  });
  const computes = placed.computes.map(({ cpus, hostId }, index) => ({
    ...computeDraft(index, cpus),
    hostId,
  }));
  const all = [
    ...(placed.frontend === undefined ? [] : [{ ...frontend, hostId: placed.frontend.hostId }]),
    ...computes,
  ];
  for (const { name } of all) refuseTakenName(view, name);
  const giver = new NicGiver(view, {
    wildMacs: sources.wildMacs,
    ...(isNew ? { newNetwork: wish.network } : {}),
  });
  const addressOf = privateAddresses(view, wish);
  const networkOf = (name: string): NetworkSpec | undefined =>
    name === wish.network.spec.name ? wish.network.spec : view.networks.get(name)?.spec;
  const made = all.map((draft) => {
    const nics = giver.complete(
      { name: draft.name, nics: nicsOf(draft, wish, addressOf) },
      draft.vmId,
    );
    const { extraNics: _extra, ...template } = draft.template;
    const spec: VmSpec = { ...template, name: draft.name, cpus: draft.cpus, nics };
    const { role, inside } = draft;
    return { draft, spec: fillCommandLine(spec, { role, inside, nics, networkOf }) };
  });
  return {
    members: all.map(({ role, inside, vmId }) => ({ role, inside, vmId })),
    vms: (operationId) =>
      made.map(({ draft, spec }) => ({
        id: draft.vmId,
        spec,
        placement: { hostId: draft.hostId, generation: 1 },
        created: false,
        createdAt: sources.now,
        wanted: "running",
        operationId,
      })),
    computeCount: cluster.computeCount + computes.length,
    macCount: giver.macCount,
    explanation: [...placed.explanation, `decided on snapshot ${snapshotHash(snapshot)}`],
  };
}

/** Asked for the same compute again, with other CPUs, it is the same VM. */
function drafts(cluster: MembersWish["cluster"], newVmId: () => VmId) {
  const ids = new Map<number, VmId>();
  const computeDraft = (index: number, cpus: number): Draft => {
    const vmId = ids.get(index) ?? newVmId();
    ids.set(index, vmId);
    const number = cluster.computeCount + index;
    const inside = computeNameInside(number);
    const name = computeNameOutside(cluster.name, number);
    return { role: "compute", inside, name, template: cluster.compute, cpus, vmId };
  };
  const { name, frontend: template } = cluster;
  const { cpus } = template;
  const frontend: Draft = {
    ...{ role: "frontend", inside: name, name, template, cpus, vmId: newVmId() },
  };
  return { frontend, computeDraft };
}

/** What the planner is asked. The private network is left out: hosts that can have it are given, it is on none yet. */
function shapeOfDraft(draft: Draft, { cluster, network }: MembersWish): Shape {
  const { extraNics, ...template } = draft.template;
  const others =
    draft.role === "frontend" && cluster.publicNetwork !== undefined ? [cluster.publicNetwork] : [];
  const networks = [...others, ...extraNics.map((nic) => nic.network)];
  const nics = networks
    .filter((name) => name !== network.spec.name)
    .map((name) => ({ network: name, mac: "" }));
  return requestFor({
    id: draft.vmId,
    spec: { ...template, name: draft.name, cpus: draft.cpus, nics },
  });
}

/** Private first, public second, as guests of virtual clusters have always had them. */
function nicsOf(draft: Draft, wish: MembersWish, addressOf: (draft: Draft) => string) {
  const { cluster, network } = wish;
  const isPublic = draft.role === "frontend" && cluster.publicNetwork !== undefined;
  return [
    { network: network.spec.name, addresses: [addressOf(draft)] },
    ...(isPublic
      ? [
          {
            network: cluster.publicNetwork,
            ...(cluster.publicAddress === undefined ? {} : { addresses: [cluster.publicAddress] }),
          },
        ]
      : []),
    ...draft.template.extraNics,
  ];
}

/** A compute that was removed leaves its address to the next one. */
function privateAddresses(view: LedgerView, { network, cluster }: MembersWish) {
  const cidr = network.spec.subnets[0]?.cidr ?? "";
  const taken = new Set(
    cluster.members.flatMap(({ vmId }) =>
      (view.vms.get(vmId)?.spec.nics ?? [])
        .filter((nic) => nic.network === network.spec.name)
        .flatMap((nic) => nic.addresses ?? []),
    ),
  );
  let next = 0;
  return ({ role }: Draft): string => {
    if (role === "frontend") return frontendAddress(cidr);
    for (;;) {
      const address = computeAddress(cidr, next);
      next += 1;
      if (taken.has(address)) continue;
      return address;
    }
  };
}

function refuseTakenName(view: LedgerView, name: string): void {
  if (view.vmByName(name) === undefined) return;
  throw new MusterError("already-exists", `there is already a VM named ${name}`, {
    hint: `see: muster vm show ${name}; boot the cluster under another name: --name`,
  });
}

/** Hosts that should have the network and have the uplink it rides on. */
function allowedHosts(view: LedgerView, { spec }: NetworkRecord): readonly HostRecord[] {
  return [...view.hosts.values()].filter(
    (host) =>
      isChosen(spec.hosts, host) &&
      (spec.uplink === undefined || uplinkOf(view, spec.uplink, host) !== undefined),
  );
}

const hostsOfComputes = (
  view: LedgerView,
  members: readonly ClusterMember[],
): ReadonlySet<HostId> =>
  new Set(
    members
      .filter(({ role }) => role === "compute")
      .flatMap(({ vmId }) => view.vms.get(vmId)?.placement?.hostId ?? []),
  );
