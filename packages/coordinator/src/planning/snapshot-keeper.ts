/**
 * Keeps the cluster's snapshot and its hash up to date, part by part: a decision pays for what has changed since the
 * one before, not for the whole cluster. What it gives equals `clusterSnapshot` at that moment.
 */
import type { HostId, VmId, VmObservation, VmRecord } from "@muster/model";
import {
  hashFromSums,
  hashPart,
  noteAccounts,
  noteSnapshotHash,
  PartSum,
  PlannerFollower,
  type ClaimSnapshot,
  type Hash64,
  type HostSnapshot,
  type Snapshot,
  type VmMeasured,
  type VmSnapshot,
} from "@muster/planner";
import type { Ledger, RecordChange } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import type { MeasuredVms } from "../observations/measured-vms.ts";
import type { Observations } from "../observations/observations.ts";
import {
  hostPart,
  targetClaim,
  vmPart,
  waitingClaim,
  wholeOf,
  type CapacityPolicy,
} from "./cluster-snapshot.ts";

/** Where decisions get the cluster from. */
export interface Snapshots {
  /** The cluster as it is. */
  take(): Snapshot;
}

interface Parts {
  readonly ledger: Ledger;
  readonly observations: Observations;
  readonly measured: MeasuredVms;
  readonly capacity: CapacityPolicy;
}

/** All that a VM's part is made of: see `vmPart`. */
interface VmBasis {
  readonly vm: VmRecord;
  readonly state: VmObservation["state"] | undefined;
  readonly virtualization: string | undefined;
  readonly use: VmMeasured | undefined;
}

export class SnapshotKeeper implements Snapshots {
  readonly #parts: Parts;
  readonly #hosts = new KeptParts<HostSnapshot>();
  readonly #vms = new KeptParts<VmSnapshot>();
  readonly #claims = new KeptParts<ClaimSnapshot>();
  readonly #changedHosts = new Set<HostId>();
  readonly #changedVms = new Set<VmId>();
  readonly #changedClaims = new Set<string>();
  /** VMs by the host they are placed on: those that its reports speak of. */
  readonly #placedOn = new Map<HostId, Set<VmId>>();
  readonly #placementOf = new Map<VmId, HostId>();
  readonly #basis = new Map<VmId, VmBasis>();
  /** Kept open from decision to decision, like the snapshot itself. */
  readonly #accounts = new PlannerFollower();
  #last: { readonly version: number; readonly snapshot: Snapshot } | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { ledger, observations } = parts;
    for (const id of ledger.view.hosts.keys()) this.#changedHosts.add(id);
    for (const id of ledger.view.vms.keys()) this.#vmChanged(id);
    for (const name of ledger.view.claims.keys()) this.#changedClaims.add(name);
    ledger.onChange((changes) => {
      for (const change of changes) this.#recordChanged(change);
    });
    observations.listen({
      observed: (hostId) => {
        this.#hostObserved(hostId);
      },
    });
  }

  take(): Snapshot {
    const { view } = this.#parts.ledger;
    const isSame = this.#bringUpToDate(view);
    const version = view.cluster.operationCount;
    if (isSame && this.#last?.version === version) return this.#last.snapshot;
    const whole = wholeOf(view);
    const snapshot: Snapshot = {
      ...whole,
      hosts: this.#hosts.list(),
      vms: this.#vms.list(),
      claims: this.#claims.list(),
    };
    const sums = { hosts: this.#hosts.sum, vms: this.#vms.sum, claims: this.#claims.sum };
    noteSnapshotHash(snapshot, hashFromSums(whole, sums));
    noteAccounts(snapshot, () => this.#accounts.follow(snapshot));
    this.#last = { version, snapshot };
    return snapshot;
  }

  #recordChanged({ kind, change, value }: RecordChange): void {
    switch (kind) {
      case "host":
        this.#changedHosts.add(value.id);
        return;
      case "vm":
        // A domain is foreign to its host, or not, by whether the ledger knows it.
        if (change === "delete" || !this.#placementOf.has(value.id)) this.#seenOn(value.id);
        this.#vmChanged(value.id);
        return;
      case "claim":
        this.#changedClaims.add(value.name);
        return;
      case "network":
        for (const id of this.#parts.ledger.view.hosts.keys()) this.#changedHosts.add(id);
        return;
      case "rule":
      case "policy":
        this.#last = undefined;
        return;
      default:
    }
  }

  #seenOn(vmId: VmId): void {
    for (const [hostId, host] of this.#parts.observations.hosts()) {
      if (host.vms.has(vmId)) this.#changedHosts.add(hostId);
    }
  }

  #vmChanged(vmId: VmId): void {
    this.#changedVms.add(vmId);
    const hostId = this.#parts.ledger.view.vms.get(vmId)?.placement?.hostId;
    const before = this.#placementOf.get(vmId);
    if (before === hostId) return;
    if (before !== undefined) this.#placedOn.get(before)?.delete(vmId);
    if (hostId === undefined) {
      this.#placementOf.delete(vmId);
      return;
    }
    this.#placementOf.set(vmId, hostId);
    const placed = this.#placedOn.get(hostId) ?? new Set();
    this.#placedOn.set(hostId, placed.add(vmId));
  }

  #hostObserved(hostId: HostId): void {
    const { observations, measured } = this.#parts;
    const host = observations.get(hostId);
    if (host === undefined) measured.forget(hostId);
    else measured.reported(hostId, host.vms.values(), host.heardAtMs);
    this.#changedHosts.add(hostId);
    for (const vmId of this.#placedOn.get(hostId) ?? []) this.#changedVms.add(vmId);
  }

  /** A report that says of a VM what the one before said makes no new part. */
  #isAsBefore(id: VmId, vm: VmRecord | undefined): boolean {
    const before = this.#basis.get(id);
    if (vm === undefined) {
      this.#basis.delete(id);
      return false;
    }
    const { observations, measured } = this.#parts;
    const hostId = vm.placement?.hostId;
    const host = hostId === undefined ? undefined : observations.get(hostId);
    const basis: VmBasis = {
      vm,
      state: host?.vms.get(id)?.state,
      virtualization: host?.inventory?.virtualization,
      use: hostId === undefined ? undefined : measured.get(id, hostId),
    };
    this.#basis.set(id, basis);
    return (
      before?.vm === vm &&
      before.state === basis.state &&
      before.virtualization === basis.virtualization &&
      before.use === basis.use
    );
  }

  /** True when nothing had changed. */
  #bringUpToDate(view: LedgerView): boolean {
    const { observations, measured, capacity } = this.#parts;
    let isSame = true;
    const put = <Part extends object>(parts: KeptParts<Part>, key: string, part?: Part): void => {
      if (parts.put(key, part)) isSame = false;
    };
    for (const id of view.hosts.keys()) {
      // How long a host has been silent says whether it is unknown or lost, and nobody tells when that changes.
      if (observations.get(id)?.connected !== true) this.#changedHosts.add(id);
    }
    for (const id of this.#changedHosts) {
      const host = view.hosts.get(id);
      const sources = { view, observations, policy: capacity };
      put(this.#hosts, id, host === undefined ? undefined : hostPart(host, sources));
    }
    const sources = { observations, measured: measured.get.bind(measured) };
    for (const id of this.#changedVms) {
      const vm = view.vms.get(id);
      if (this.#isAsBefore(id, vm)) continue;
      put(this.#vms, id, vm === undefined ? undefined : vmPart(vm, sources));
      put(this.#claims, `vm/${id}`, vm === undefined ? undefined : targetClaim(vm)[0]);
    }
    for (const name of this.#changedClaims) {
      const claim = view.claims.get(name);
      put(this.#claims, `claim/${name}`, claim === undefined ? undefined : waitingClaim(claim));
    }
    this.#changedHosts.clear();
    this.#changedVms.clear();
    this.#changedClaims.clear();
    return isSame;
  }
}

/** Parts by key, and the sum of their hashes. Their order says nothing. */
class KeptParts<Part extends object> {
  readonly sum = new PartSum();
  readonly #places = new Map<string, number>();
  readonly #kept: { readonly key: string; readonly part: Part; readonly hash: Hash64 }[] = [];
  readonly #parts: Part[] = [];
  #list: readonly Part[] | undefined;

  /** True when that made a difference. */
  put(key: string, part: Part | undefined): boolean {
    const place = this.#places.get(key);
    const before = place === undefined ? undefined : this.#kept[place];
    if (part === undefined) {
      if (before !== undefined && place !== undefined) this.#remove(place, before.hash);
      return before !== undefined;
    }
    const hash = hashPart(part);
    if (before?.hash.high === hash.high && before.hash.low === hash.low) return false;
    if (before !== undefined) this.sum.remove(before.hash);
    this.sum.add(hash);
    const at = place ?? this.#kept.length;
    this.#kept[at] = { key, part, hash };
    this.#parts[at] = part;
    this.#places.set(key, at);
    this.#list = undefined;
    return true;
  }

  /** A snapshot is a value: it keeps its list when parts change later. */
  list(): readonly Part[] {
    this.#list ??= this.#parts.slice();
    return this.#list;
  }

  /** The last one takes the place of the one that goes. */
  #remove(place: number, hash: Hash64): void {
    this.sum.remove(hash);
    const gone = this.#kept[place];
    const last = this.#kept.pop();
    const lastPart = this.#parts.pop();
    if (gone !== undefined) this.#places.delete(gone.key);
    if (last !== undefined && lastPart !== undefined && last !== gone) {
      this.#kept[place] = last;
      this.#parts[place] = lastPart;
      this.#places.set(last.key, place);
    }
    this.#list = undefined;
  }
}
