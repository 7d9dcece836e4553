/** Networks of a simulated host. Keeps the same contract as the real drivers. */
import { MusterError, type NetworkObservation, type NetworkSpec, type VmId } from "@muster/model";
import { nothingObserved, type LayoutObservation } from "../host-layout.ts";
import {
  demandOf,
  demandProblem,
  demandsByName,
  mtuProblem,
  nicTrunkProblem,
  sameDemand,
  type NetworkDemand,
} from "../network-demand.ts";
import type {
  NetworkDriver,
  NetworkPlan,
  NicAttachment,
  NicPlug,
  PlannedAction,
} from "../network-driver.ts";
import type { NetworkMethod, SimulatedHostNetworks } from "./simulated-host-networks.ts";

const BRIDGE = "sim0";
const UNREACHABLE = "the simulated switch does not answer";

export class SimulatedNetworkDriver implements NetworkDriver {
  readonly name = "simulated";
  readonly #host: SimulatedHostNetworks;
  /** Of the last `apply`. */
  #wanted: ReadonlyMap<string, NetworkDemand> | undefined;

  constructor(host: SimulatedHostNetworks) {
    this.#host = host;
  }

  async observe(): Promise<readonly NetworkObservation[]> {
    this.#failIfAsked("observe");
    return this.#report();
  }

  async plan(networks: readonly NetworkSpec[]): Promise<NetworkPlan> {
    this.#failIfAsked("plan");
    if (!this.#host.isReachable) throw new MusterError("network-failed", UNREACHABLE);
    const wanted = demandsByName(networks.map(demandOf));
    const refusals = [...wanted.values()].flatMap((network) => {
      const message = this.#refusal(network);
      return message === undefined ? [] : [{ network: network.name, message }];
    });
    const refused = new Set(refusals.map(({ network }) => network));
    const added = [...wanted.values()].filter(
      (network) => !refused.has(network.name) && !this.#isThere(network),
    );
    const removed = [...this.#host.networks.keys()].filter((name) => !wanted.has(name));
    const actions: readonly PlannedAction[] = [
      ...added.map(({ name }) => ({ summary: `add ${name}`, commands: [], network: name })),
      ...removed.map((name) => ({ summary: `remove ${name}`, commands: [], network: name })),
    ];
    return { actions, refusals };
  }

  async apply(networks: readonly NetworkSpec[]): Promise<readonly NetworkObservation[]> {
    this.#failIfAsked("apply");
    const wanted = demandsByName(networks.map(demandOf));
    this.#wanted = wanted;
    if (!this.#host.isReachable) return this.#report();
    for (const name of this.#host.networks.keys()) {
      if (!wanted.has(name)) this.#host.networks.delete(name);
    }
    for (const network of wanted.values()) {
      if (this.#refusal(network) === undefined) this.#host.networks.set(network.name, network);
    }
    this.#host.applied();
    return this.#report();
  }

  async observeLayout(): Promise<LayoutObservation> {
    return nothingObserved;
  }

  async plug(nic: NicPlug): Promise<NicAttachment> {
    this.#failIfAsked("plug");
    const { network, vmId, index } = nic;
    const there = this.#host.networks.get(network.name);
    const problem =
      (this.#host.isReachable ? undefined : UNREACHABLE) ??
      nicTrunkProblem(demandOf(network), nic.trunk) ??
      this.#refusal(demandOf(network)) ??
      (there === undefined || !sameDemand(there, demandOf(network))
        ? "not set up on this host"
        : undefined);
    if (problem !== undefined) {
      const what = `network ${network.name} for NIC ${String(index)} of vm ${vmId}`;
      throw new MusterError("network-failed", `${what}: ${problem}`);
    }
    this.#host.plugs.set(`${vmId}-${String(index)}`, nic);
    return { kind: "simulated", network: network.name };
  }

  async unplug(vmId: VmId): Promise<void> {
    this.#failIfAsked("unplug");
    if (!this.#host.isReachable) throw new MusterError("network-failed", UNREACHABLE);
    for (const [device, plug] of this.#host.plugs) {
      if (plug.vmId === vmId) this.#host.plugs.delete(device);
    }
  }

  #failIfAsked(method: NetworkMethod): void {
    const failure = this.#host.takeFailure(method);
    if (failure !== undefined) throw failure;
  }

  #refusal(network: NetworkDemand): string | undefined {
    return (
      demandProblem(network) ??
      mtuProblem(network, { name: "eth0", mtu: this.#host.uplinkMtu }) ??
      this.#host.brokenReason(network.name)
    );
  }

  #isThere(network: NetworkDemand): boolean {
    const there = this.#host.networks.get(network.name);
    return there !== undefined && sameDemand(there, network);
  }

  #report(): readonly NetworkObservation[] {
    const networks = [...(this.#wanted ?? this.#host.networks).values()];
    return networks
      .map((network) => this.#observation(network))
      .toSorted((left, right) => (left.name < right.name ? -1 : 1));
  }

  #observation(network: NetworkDemand): NetworkObservation {
    const { name, vlan } = network;
    const message =
      (this.#host.isReachable ? undefined : UNREACHABLE) ??
      this.#refusal(network) ??
      (this.#isThere(network) ? "" : "not set up on this host");
    const state = message === "" ? "ready" : "failed";
    const said = { name, state, message, vlan, driver: this.name, bridge: BRIDGE } as const;
    return { ...said, wanted: "", found: "", carries: [] };
  }
}
