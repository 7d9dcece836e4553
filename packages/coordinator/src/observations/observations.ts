/**
 * What the hosts say, in memory. Written from agents' reports only, never corrected, rebuilt from full reports when
 * agents reconnect. It may be stale, and says how stale.
 */
import {
  PROTOCOL_SEEDS,
  type AgentMessage,
  type HostId,
  type HostInventory,
  type HostLoad,
  type HostNetworkObservation,
  type HostState,
  type NetworkObservation,
  type ProbeResult,
  type VmId,
  type VmObservation,
} from "@muster/model";
import type { Clock } from "@muster/runtime";
import { NetworkReach, type MtuOf } from "./network-reach.ts";
import { VmPlaces } from "./vm-places.ts";
import { LOST_AFTER_MS } from "../ha/ha-settings.ts";
import { hostState } from "../ha/liveness.ts";

type Hello = Extract<AgentMessage, { kind: "hello" }>;
type FullReport = Extract<AgentMessage, { kind: "full-report" }>;
type DeltaReport = Extract<AgentMessage, { kind: "delta-report" }>;

export interface HostObservation {
  readonly connected: boolean;
  /** True once this session's full report arrived: only then does an absent VM mean anything. */
  readonly reported: boolean;
  /** Monotonic milliseconds. */
  readonly heardAtMs: number;
  readonly libvirtAlive: boolean;
  readonly sequence: bigint;
  readonly agentVersion: string;
  /** It writes seeds and listens to guests. */
  readonly knowsSeeds: boolean;
  readonly migrationAddress: string;
  readonly metricsAddress: string;
  readonly inventory?: HostInventory;
  readonly load?: HostLoad;
  readonly vms: ReadonlyMap<VmId, VmObservation>;
  readonly networks: ReadonlyMap<string, NetworkObservation>;
  /** Absent: its agent does not know of transactions. */
  readonly hostNetwork?: HostNetworkObservation;
}

export interface VmTransition {
  readonly hostId: HostId;
  readonly vmId: VmId;
  readonly before: VmObservation | undefined;
  readonly after: VmObservation | undefined;
}

export interface ObservationListener {
  /** State, reason, presence or mark of a VM changed; not called for usage alone. */
  vmChanged?(transition: VmTransition): void;
  /** A host came, went, or its networks changed. */
  hostChanged?(hostId: HostId): void;
  /** Anything was heard of a host but a heartbeat, or its session opened or closed. */
  observed?(hostId: HostId): void;
}

export interface ObservationOptions {
  /** Silence after which a host is lost. */
  readonly lostAfterMs?: number;
  /** Without it probes are judged by loss alone. */
  readonly mtuOf?: MtuOf;
}

export class Observations {
  readonly #clock: Clock;
  #bornMs: number;
  readonly #lostAfterMs: number;
  readonly #hosts = new Map<HostId, HostObservation>();
  readonly #places = new VmPlaces();
  readonly #sessions = new Map<HostId, number>();
  readonly #present = new Map<HostId, number>();
  readonly #reach: NetworkReach;
  readonly #listeners = new Set<ObservationListener>();

  constructor(clock: Clock, options: ObservationOptions = {}) {
    const { lostAfterMs = LOST_AFTER_MS, mtuOf = () => undefined } = options;
    this.#clock = clock;
    this.#lostAfterMs = lostAfterMs;
    this.#reach = new NetworkReach(mtuOf, {
      hostWith: (hostId, network) => {
        const host = this.#hosts.get(hostId);
        const isThere = host?.connected === true && host.networks.get(network)?.state === "ready";
        return isThere ? { name: host.inventory?.hostname ?? hostId } : undefined;
      },
    });
    this.#bornMs = clock.now();
  }

  /** From now on hosts are listened to: what they did not say before means nothing. */
  begin(): void {
    this.#bornMs = this.#clock.now();
  }

  /** Milliseconds since the coordinator began to listen. */
  get ageMs(): number {
    return this.#clock.now() - this.#bornMs;
  }

  /** True when the host has reported since the coordinator began to listen. */
  isKnown(hostId: HostId): boolean {
    return this.#hosts.get(hostId)?.inventory !== undefined;
  }

  get(hostId: HostId): HostObservation | undefined {
    return this.#hosts.get(hostId);
  }

  hosts(): ReadonlyMap<HostId, HostObservation> {
    return this.#hosts;
  }

  /** Hosts that have the VM by their last report, connected or not. */
  hostsWith(vmId: VmId): readonly HostId[] {
    return this.#places.hostsWith(vmId);
  }

  stateOf(host: { readonly id: HostId; readonly connectedBefore: boolean }): HostState {
    const observation = this.#hosts.get(host.id);
    const { connected = false, reported = false, heardAtMs = this.#bornMs } = observation ?? {};
    const silentMs = this.#clock.now() - heardAtMs;
    const { connectedBefore } = host;
    return hostState({ connected, reported, connectedBefore, silentMs }, this.#lostAfterMs);
  }

  /**
   * Its agent dialled: it is there, whatever was proven of it before, and nothing can be proven of it until what is given
   * back is called.
   */
  dialled(hostId: HostId): () => void {
    this.#sessions.set(hostId, this.sessionsOf(hostId) + 1);
    this.#present.set(hostId, (this.#present.get(hostId) ?? 0) + 1);
    return () => {
      const left = (this.#present.get(hostId) ?? 1) - 1;
      if (left === 0) this.#present.delete(hostId);
      else this.#present.set(hostId, left);
    };
  }

  /** An agent of the host is being served, even if it has said nothing yet. */
  isPresent(hostId: HostId): boolean {
    return this.#present.has(hostId);
  }

  /** Dials and sessions of the host since the coordinator began: tells whether it was heard anew meanwhile. */
  sessionsOf(hostId: HostId): number {
    return this.#sessions.get(hostId) ?? 0;
  }

  /** Milliseconds since the host was heard; 0 while it is connected; undefined when it never was. */
  silentMs(hostId: HostId): number | undefined {
    const observation = this.#hosts.get(hostId);
    if (observation === undefined) return undefined;
    return observation.connected ? 0 : Math.max(0, this.#clock.now() - observation.heardAtMs);
  }

  listen(listener: ObservationListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  sessionOpened(hostId: HostId, hello: Hello): void {
    const before = this.#hosts.get(hostId);
    this.#sessions.set(hostId, this.sessionsOf(hostId) + 1);
    this.#hosts.set(hostId, {
      ...(before ?? { vms: new Map(), networks: new Map() }),
      connected: true,
      reported: false,
      heardAtMs: this.#clock.now(),
      libvirtAlive: true,
      sequence: 0n,
      agentVersion: hello.agentVersion,
      knowsSeeds: hello.protocolVersions.includes(PROTOCOL_SEEDS),
      migrationAddress: hello.migrationAddress,
      metricsAddress: hello.metricsAddress,
    });
    this.#tellObserved(hostId);
  }

  sessionClosed(hostId: HostId): void {
    this.#update(hostId, { connected: false });
    this.#tellReach(this.#reach.changed(hostId));
    this.#tellObserved(hostId);
    this.#tellHost(hostId);
  }

  forget(hostId: HostId): void {
    this.#places.change(hostId, this.#hosts.get(hostId)?.vms ?? new Map(), new Map());
    this.#hosts.delete(hostId);
    this.#tellReach(this.#reach.forget(hostId));
    this.#tellObserved(hostId);
    this.#tellHost(hostId);
  }

  heartbeat(hostId: HostId, libvirtAlive: boolean): void {
    this.#update(hostId, { heardAtMs: this.#clock.now(), libvirtAlive });
  }

  fullReport(hostId: HostId, report: FullReport): void {
    const before = this.#hosts.get(hostId);
    if (before === undefined) return;
    const vms = new Map(report.vms.map((vm) => [vm.id, vm]));
    const networks = new Map(report.networks.map((network) => [network.name, network]));
    const { inventory, load, sequence, hostNetwork } = report;
    const heardAtMs = this.#clock.now();
    const said = { inventory, load, sequence, vms, networks };
    this.#update(hostId, {
      reported: true,
      heardAtMs,
      ...said,
      ...(hostNetwork === undefined ? {} : { hostNetwork }),
    });
    this.#tellObserved(hostId);
    for (const vmId of new Set([...before.vms.keys(), ...vms.keys()])) {
      this.#tellVm({ hostId, vmId, before: before.vms.get(vmId), after: vms.get(vmId) });
    }
    if (before.reported && sameNetworks(before.networks, networks)) return;
    this.#tellReach(this.#reach.changed(hostId));
    this.#tellHost(hostId);
  }

  /** False: a message was lost in between; a full report must be asked for. */
  deltaReport(hostId: HostId, report: DeltaReport): boolean {
    const before = this.#hosts.get(hostId);
    if (before?.reported !== true || report.sequence !== before.sequence + 1n) return false;
    const vms = new Map(before.vms);
    for (const vmId of report.removedVms) vms.delete(vmId);
    for (const vm of report.vms) vms.set(vm.id, keepUsage(vm, before.vms.get(vm.id)));
    const networks = new Map(before.networks);
    for (const network of report.networks) networks.set(network.name, network);
    const load = report.load ?? before.load;
    this.#update(hostId, {
      heardAtMs: this.#clock.now(),
      sequence: report.sequence,
      vms,
      networks,
      ...(load === undefined ? {} : { load }),
    });
    this.#tellObserved(hostId);
    for (const vmId of [...report.removedVms, ...report.vms.map((vm) => vm.id)]) {
      this.#tellVm({ hostId, vmId, before: before.vms.get(vmId), after: vms.get(vmId) });
    }
    if (sameNetworks(before.networks, networks)) return true;
    this.#tellReach(this.#reach.changed(hostId));
    this.#tellHost(hostId);
    return true;
  }

  /** What it hears of others on the networks. */
  probed(hostId: HostId, results: readonly ProbeResult[]): void {
    if (!this.#hosts.has(hostId)) return;
    this.#tellReach(this.#reach.reported(hostId, results));
  }

  /** What a host said last of what it hears. */
  probesOf(hostId: HostId): readonly ProbeResult[] {
    return this.#reach.row(hostId);
  }

  /** Why VMs on these hosts would not be heard on the network. */
  unheardOn(network: string): ReadonlyMap<HostId, string> {
    return this.#reach.unheardOn(network);
  }

  #tellReach(hostIds: ReadonlySet<HostId>): void {
    for (const hostId of hostIds) {
      this.#tellObserved(hostId);
      this.#tellHost(hostId);
    }
  }

  #update(hostId: HostId, change: Partial<HostObservation>): void {
    const before = this.#hosts.get(hostId);
    if (before === undefined) return;
    this.#hosts.set(hostId, { ...before, ...change });
    if (change.vms !== undefined) this.#places.change(hostId, before.vms, change.vms);
  }

  #tellObserved(hostId: HostId): void {
    for (const listener of this.#listeners) listener.observed?.(hostId);
  }

  #tellHost(hostId: HostId): void {
    for (const listener of this.#listeners) listener.hostChanged?.(hostId);
  }

  #tellVm(transition: VmTransition): void {
    const { before, after } = transition;
    if (before !== undefined && after !== undefined && isSameToPeople(before, after)) return;
    for (const listener of this.#listeners) listener.vmChanged?.(transition);
  }
}

function keepUsage(now: VmObservation, before: VmObservation | undefined): VmObservation {
  if (now.usage !== undefined || before?.usage === undefined || now.state === "stopped") return now;
  return { ...now, usage: before.usage };
}

function isSameToPeople(left: VmObservation, right: VmObservation): boolean {
  return (
    left.state === right.state &&
    left.reason === right.reason &&
    left.generation === right.generation &&
    left.managed === right.managed &&
    left.migrating === right.migrating &&
    left.persistent === right.persistent
  );
}

function sameNetworks(
  left: ReadonlyMap<string, NetworkObservation>,
  right: ReadonlyMap<string, NetworkObservation>,
): boolean {
  if (left.size !== right.size) return false;
  return [...left].every(([name, network]) => {
    const other = right.get(name);
    return (
      other?.state === network.state &&
      other.vlan === network.vlan &&
      other.message === network.message
    );
  });
}
