/** Keeps addresses served on this host: as assigned, also without the coordinator. */
import type { NetworkObservation, NetworkSpec } from "@muster/model";
import type { Log, Reconciler } from "@muster/runtime";
import type { Assigned } from "../assignments/assigned.ts";
import type { DhcpServer } from "./dhcp-server.ts";
import { planDhcp } from "./plan-dhcp.ts";

export interface DhcpKeeperParts {
  readonly dhcp: DhcpServer;
  readonly assigned: () => Assigned | undefined;
  /** As the host has it now. */
  readonly network: (name: string) => NetworkSpec | undefined;
  readonly observed: () => readonly NetworkObservation[];
  readonly log: Log;
}

/** A server that ended is started at once; this is for what nobody noticed. */
const PERIOD_MS = 30_000;

export class DhcpKeeper implements Reconciler {
  readonly name = "serve-dhcp";
  readonly periodMs = PERIOD_MS;
  readonly #parts: DhcpKeeperParts;
  #served = 0;
  #failed = 0;
  #said = "";

  constructor(parts: DhcpKeeperParts) {
    this.#parts = parts;
  }

  get counts(): { readonly served: number; readonly failed: number } {
    return { served: this.#served, failed: this.#failed };
  }

  async reconcile(): Promise<void> {
    const { dhcp, assigned, network, observed, log } = this.#parts;
    const wanted = assigned();
    if (wanted === undefined) return;
    const networks = wanted.networks.flatMap(({ name }) => network(name) ?? []);
    const plan = planDhcp(wanted.vms, networks, observed());
    const problems = await dhcp.keep(plan);
    this.#failed = problems.size;
    this.#served = plan.length - problems.size;
    const text = [...problems].map(([name, why]) => `${name}: ${why}`).join("; ");
    if (text !== "" && text !== this.#said) log.warn({ why: text }, "DHCP is not served");
    this.#said = text;
  }

  stop(): Promise<void> {
    return this.#parts.dhcp.stop();
  }
}
