import type { Asked, PlaceAnswer, PlaceOptions } from "./answer.ts";
import { compileLoad, compileWant } from "./compile.ts";
import { Filling } from "./filling.ts";
import { hostAt } from "./filter.ts";
import type { Refusal } from "./refusal.ts";
import {
  SelectionSpace,
  countByCheck,
  explainScore,
  passesAll,
  refusalsOf,
  refusalsOfAll,
  selectHost,
  weightsFrom,
} from "./select.ts";
import { hostRoomOf } from "./host-room.ts";
import { changesBetween } from "./snapshot-changes.ts";
import type {
  ClaimSnapshot,
  PlaceRequest,
  Policy,
  RequestedVm,
  Snapshot,
  VmSnapshot,
} from "./snapshot.ts";
import { StaticVerdicts } from "./static-verdicts.ts";
import { SurvivalUsage } from "./survival.ts";
import { ClusterUsage, type Charge } from "./usage.ts";
import type { Want } from "./want.ts";

/**
 * The accounts of one snapshot, open for questions. {@link claim} books a decision so that the next
 * question sees it; asking alone changes nothing.
 */
export class Planner {
  #snapshot: Snapshot;
  readonly usage: ClusterUsage;
  readonly #charges = new Map<string, Charge[]>();
  /** Host index of each known VM's volumes. */
  readonly #currentHost = new Map<string, number>();
  readonly #space: SelectionSpace;
  readonly #statics: StaticVerdicts;
  /** Requests are values: one that is asked again need not be looked up again. */
  readonly #wants = new WeakMap<PlaceRequest, { want: Want; currentHost: number }>();

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
    this.usage = new ClusterUsage(snapshot);
    this.#statics = new StaticVerdicts(this.usage);
    this.#space = new SelectionSpace(this.usage.hosts.length);
    this.#chargeAll(snapshot.vms, snapshot.claims);
    const survive = snapshot.policy?.survive;
    if (survive !== undefined) this.usage.survival = this.#rehearse(survive);
  }

  get snapshotVersion(): number {
    return this.#snapshot.version;
  }

  /**
   * Brings the accounts to another snapshot of the same cluster by what is different in it.
   * @returns false when they must be opened anew; these are then of no use any more.
   */
  follow(next: Snapshot): boolean {
    if (next === this.#snapshot) return true;
    const changes = changesBetween(this.#snapshot, next);
    if (changes === undefined) return false;
    // Cells are given out in the order in which VMs came, and rehearsals know of VMs only.
    const vms = [...changes.vms.values()];
    if (vms.some((vm) => vm.numaCells !== undefined)) return false;
    if (changes.hosts.length > 0) {
      if (this.usage.survival !== undefined) return false;
      if (!changes.hosts.every((host) => this.usage.replaceHost(host))) return false;
      this.usage.noteFreeSpace();
    }
    for (const vmId of changes.vmIds) {
      for (const { host } of this.#charges.get(vmId) ?? []) {
        this.release(vmId, hostAt(this.usage, host).id);
      }
      this.#currentHost.delete(vmId);
    }
    const isSameButForClaims = ({ id }: VmSnapshot): boolean =>
      changes.vmIds.has(id) && !changes.vms.has(id);
    const isForClaims = changes.vmIds.size > changes.vms.size;
    const others = isForClaims ? next.vms.filter(isSameButForClaims) : [];
    this.#snapshot = next;
    this.#chargeAll([...vms, ...others], changes.claims);
    return true;
  }

  /** Where the VM should go, or why it can go nowhere. */
  place(request: PlaceRequest, options: PlaceOptions = {}): PlaceAnswer {
    const want = this.#want(request);
    return this.#withoutOwnCharges(request.vm.id, () => this.#answer(want, options));
  }

  /** Every check that this host fails; empty when the VM could go there. */
  whyNot(request: PlaceRequest, hostId: string): readonly Refusal[] {
    const host = this.usage.hostIndexById.get(hostId);
    if (host === undefined) return [{ check: "host-exists", hostId }];
    const want = this.#want(request);
    return this.#withoutOwnCharges(request.vm.id, () => refusalsOf(this.usage, want, host));
  }

  /** Whether {@link whyNot} would be empty, for many questions in a row. */
  fits(request: PlaceRequest, hostId: string): boolean {
    const host = this.usage.hostIndexById.get(hostId);
    if (host === undefined) return false;
    const want = this.#want(request);
    return this.#withoutOwnCharges(request.vm.id, () => passesAll(this.usage, want, host));
  }

  /**
   * Books the VM on the host; nothing happens when it is booked there already.
   * @throws Error when that would break a hard rule: ask first.
   */
  claim(request: PlaceRequest, hostId: string): void {
    const refusals = this.whyNot(request, hostId);
    if (refusals.length > 0) {
      const checks = refusals.map((refusal) => refusal.check).join(", ");
      throw new Error(`vm ${request.vm.id} cannot be claimed on host ${hostId}: ${checks}`);
    }
    const host = this.usage.hostIndexById.get(hostId);
    if (host === undefined || this.#isCharged(request.vm.id, host)) return;
    const load = compileLoad(this.usage, request.vm, request.vm);
    this.#charge({ load, host, volumesHost: this.#volumesHost(request.vm.id) });
  }

  placeAndClaim(request: PlaceRequest, options: PlaceOptions = {}): PlaceAnswer {
    const answer = this.place(request, options);
    if (answer.ok) this.claim(request, answer.hostId);
    return answer;
  }

  /**
   * The same decision and claim without the explanation, for questions of many thousands.
   * @returns the host's id, or undefined when no host can take the VM.
   */
  placeQuietly(request: PlaceRequest, options: PlaceOptions = {}): string | undefined {
    const want = this.#want(request);
    const weights = weightsFrom(options.weights);
    const statics = this.#statics.of(want);
    const { best } = this.#withoutOwnCharges(request.vm.id, () =>
      selectHost(this.usage, want, {
        weights,
        space: this.#space,
        statics,
        isSecondWanted: false,
      }),
    );
    if (best < 0) return undefined;
    if (!this.#isCharged(request.vm.id, best)) {
      const volumesHost = this.#volumesHost(request.vm.id);
      this.#charge({ load: want.load, host: best, volumesHost });
    }
    return this.usage.hosts[best]?.id;
  }

  /**
   * Places VMs like this one and claims their places, one after the other, for as long as `another` has a name for
   * the next and some host can take it.
   * @returns how many came to each host, by host id.
   */
  fill(
    vm: RequestedVm,
    another: (placed: number) => string | undefined,
  ): ReadonlyMap<string, number> {
    const want = compileWant(this.usage, { vm }, -1);
    this.usage.survival?.settle();
    const filling = new Filling(this.usage, want, this.#statics.of(want).hosts);
    const byHost = new Map<string, number>();
    for (let placed = 0; ; placed++) {
      const id = another(placed);
      const host = id === undefined ? -1 : filling.next();
      if (id === undefined || host < 0) return byHost;
      const load = { ...want.load, vmId: id, vmName: id };
      this.#charge({ load, host, volumesHost: -1 });
      filling.noteCharged(host);
      const hostId = hostAt(this.usage, host).id;
      byHost.set(hostId, (byHost.get(hostId) ?? 0) + 1);
    }
  }

  /** Takes the VM off the host's account; nothing happens when it is not on it. */
  release(vmId: string, hostId: string): void {
    const host = this.usage.hostIndexById.get(hostId);
    const charges = this.#charges.get(vmId) ?? [];
    const charge = charges.find((entry) => entry.host === host);
    if (charge === undefined) return;
    this.usage.discharge(charge);
    this.usage.survival?.removed(charge.load, charge.host);
    const rest = charges.filter((entry) => entry !== charge);
    if (rest.length > 0) this.#charges.set(vmId, rest);
    else this.#charges.delete(vmId);
  }

  /** The VM runs on `hostId` now and its volumes are there: the end of a move that was claimed. */
  arrive(vmId: string, hostId: string): void {
    const host = this.usage.hostIndexById.get(hostId);
    if (host === undefined || !this.#isCharged(vmId, host)) {
      throw new Error(`vm ${vmId} has no claim on host ${hostId}`);
    }
    for (const charge of this.#charges.get(vmId) ?? []) {
      const id = this.usage.hosts[charge.host]?.id;
      if (charge.host !== host && id !== undefined) this.release(vmId, id);
    }
    this.#currentHost.set(vmId, host);
  }

  #answer(want: Want, options: PlaceOptions): PlaceAnswer {
    const { usage, snapshotVersion } = this;
    const weights = weightsFrom(options.weights);
    const examined = usage.hosts.length;
    const asked = askedOf(want);
    const statics = this.#statics.of(want);
    const selection = selectHost(usage, want, {
      weights,
      space: this.#space,
      statics,
      isSecondWanted: true,
    });
    if (selection.best < 0) {
      const refusals = refusalsOfAll(usage, want);
      const refusedByCheck = countByCheck(refusals);
      return { ok: false, snapshotVersion, asked, examined, refusals, refusedByCheck };
    }
    const { feasible, refusedByCheck } = selection;
    const chosen = explainScore(usage, want, { host: selection.best, weights });
    const runnerUp =
      selection.second < 0 ? null : explainScore(usage, want, { host: selection.second, weights });
    const margin = runnerUp === null ? null : runnerUp.score - chosen.score;
    const found = { runnerUp, margin, examined, feasible, refusedByCheck };
    return { ok: true, snapshotVersion, asked, ...chosen, ...found };
  }

  #chargeAll(vms: readonly VmSnapshot[], claims: readonly ClaimSnapshot[]): void {
    for (const vm of inOrderOfIds(vms)) {
      const host = vm.hostId === undefined ? undefined : this.usage.hostIndexById.get(vm.hostId);
      if (host === undefined) continue;
      this.#currentHost.set(vm.id, host);
      const load = compileLoad(this.usage, vm, vm);
      this.#charge({ load, host, volumesHost: host, cellIds: vm.numaCellIds });
    }
    const names = new Map(claims.length === 0 ? [] : vms.map((vm) => [vm.id, vm.name]));
    for (const claim of claims.toSorted(byVmThenHost)) {
      const host = this.usage.hostIndexById.get(claim.hostId);
      if (host === undefined || this.#isCharged(claim.vmId, host)) continue;
      const named = { id: claim.vmId, name: names.get(claim.vmId) ?? claim.vmId };
      const load = compileLoad(this.usage, named, claim);
      this.#charge({ load, host, volumesHost: this.#volumesHost(claim.vmId) });
    }
    this.usage.recomputeEvenness();
  }

  #want(request: PlaceRequest): Want {
    const known = this.#wants.get(request);
    const volumesHost = this.#volumesHost(request.vm.id);
    if (known?.currentHost === volumesHost) return known.want;
    const want = this.#compile(request);
    this.#wants.set(request, { want, currentHost: volumesHost });
    return want;
  }

  #compile(request: PlaceRequest): Want {
    const fromHost =
      request.fromHostId === undefined
        ? undefined
        : this.usage.hostIndexById.get(request.fromHostId);
    return compileWant(this.usage, request, fromHost ?? this.#volumesHost(request.vm.id));
  }

  #volumesHost(vmId: string): number {
    return this.#currentHost.get(vmId) ?? -1;
  }

  #isCharged(vmId: string, host: number): boolean {
    return this.#charges.get(vmId)?.some((charge) => charge.host === host) === true;
  }

  #rehearse(survive: NonNullable<Policy["survive"]>): SurvivalUsage {
    const level = this.usage.levels.get(survive.level);
    if (level === undefined) throw new Error(`the policy speaks of unknown level ${survive.level}`);
    return new SurvivalUsage(hostRoomOf(this.usage, this.#statics), level, survive.count);
  }

  #charge(charge: Charge): void {
    this.usage.charge(charge);
    this.usage.survival?.added(charge.load, charge.host);
    const vmId = charge.load.vmId;
    const charges = this.#charges.get(vmId);
    if (charges === undefined) this.#charges.set(vmId, [charge]);
    else charges.push(charge);
  }

  /** What the VM itself takes, here or there, is not in its own way. */
  #withoutOwnCharges<Result>(vmId: string, ask: () => Result): Result {
    this.usage.survival?.settle();
    const own = this.#charges.get(vmId);
    if (own === undefined) return ask();
    const sums = this.usage.saveEvenness();
    const back = own.map((charge) => this.usage.discharge(charge));
    try {
      return ask();
    } finally {
      for (const charge of back) this.usage.charge(charge);
      sums.restore();
    }
  }
}

/** Most snapshots are in this order already, and looking is cheaper than sorting. */
function inOrderOfIds<Vm extends { readonly id: string }>(vms: readonly Vm[]): readonly Vm[] {
  const isSorted = vms.every((vm, index) => index === 0 || (vms[index - 1] as Vm).id < vm.id);
  return isSorted ? vms : vms.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

function askedOf(want: Want): Asked {
  const { vmId, vmName, cpus, memoryMiB, hugeMiB } = want.load;
  return { vmId, vmName, cpus, memoryMiB: memoryMiB + hugeMiB };
}

function byVmThenHost(
  a: { readonly vmId: string; readonly hostId: string },
  b: { readonly vmId: string; readonly hostId: string },
): number {
  if (a.vmId !== b.vmId) return a.vmId < b.vmId ? -1 : 1;
  return a.hostId < b.hostId ? -1 : a.hostId > b.hostId ? 1 : 0;
}
