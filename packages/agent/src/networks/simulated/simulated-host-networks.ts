/**
 * The bridges of a simulated host: what outlives its agent. A simulated agent that crashes and starts again gets a
 * new driver on the same of these.
 */
import { MTU_DEFAULT_BYTES, type MusterError } from "@muster/model";
import type { NetworkDemand } from "../network-demand.ts";
import type { NicPlug } from "../network-driver.ts";

export type NetworkMethod = "observe" | "plan" | "apply" | "plug" | "unplug";

export class SimulatedHostNetworks {
  readonly uplinkMtu: number;
  /** By name. */
  readonly networks = new Map<string, NetworkDemand>();
  /** By device name. */
  readonly plugs = new Map<string, NicPlug>();
  /** Why a network cannot be made here, by name. */
  readonly #broken = new Map<string, string>();
  readonly #failures = new Map<NetworkMethod, MusterError[]>();
  readonly #cutting = new Map<string, number>();
  readonly #listeners = new Set<() => void>();
  #isReachable = true;

  constructor(options: { readonly uplinkMtu?: number } = {}) {
    this.uplinkMtu = options.uplinkMtu ?? MTU_DEFAULT_BYTES;
  }

  /** From now on this network cannot be made, nor does it work if it is there. */
  failNetwork(name: string, reason: string): void {
    this.#broken.set(name, reason);
  }

  healNetwork(name: string): void {
    this.#broken.delete(name);
    this.#cutting.delete(name);
    this.applied();
  }

  healNetworks(): void {
    this.#broken.clear();
    this.#cutting.clear();
    this.applied();
  }

  /** The next call of a method rejects; several of them one after the other. */
  failNext(method: NetworkMethod, error: MusterError): void {
    this.#failures.set(method, [...(this.#failures.get(method) ?? []), error]);
  }

  /** False: the host's switch does not answer, as when ovsdb-server is down. */
  setReachable(isReachable: boolean): void {
    this.#isReachable = isReachable;
  }

  get isReachable(): boolean {
    return this.#isReachable;
  }

  brokenReason(name: string): string | undefined {
    return this.#broken.get(name);
  }

  /** From now on the host is cut off while it has this network on this VLAN, which its switch does not carry. */
  cutOffWith(name: string, vlan: number): void {
    this.#cutting.set(name, vlan);
  }

  get isCutOff(): boolean {
    return [...this.#cutting].some(([name, vlan]) => this.networks.get(name)?.vlan === vlan);
  }

  /** Called after the driver changed something, or its switch carries another VLAN. */
  onApplied(listener: () => void): void {
    this.#listeners.add(listener);
  }

  applied(): void {
    for (const listener of this.#listeners) listener();
  }

  /** The failure that was asked for, once. */
  takeFailure(method: NetworkMethod): MusterError | undefined {
    return this.#failures.get(method)?.shift();
  }

  /** Power off and on: kernel bridges forget everything. */
  reboot(): void {
    this.networks.clear();
    this.plugs.clear();
  }
}
