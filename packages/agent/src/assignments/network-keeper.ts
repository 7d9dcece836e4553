/**
 * Keeps the host's networks as they were assigned. Does nothing before it knows the assignments: an agent that has
 * just started must not take "nothing known" for "nothing wanted".
 */
import type { NetworkObservation } from "@muster/model";
import type { Log, Reconciler } from "@muster/runtime";
import type { NetworkDriver } from "../networks/network-driver.ts";
import type { Assigned } from "./assigned.ts";

export interface NetworkKeeperParts {
  readonly driver: NetworkDriver;
  readonly assigned: () => Assigned | undefined;
  /** Called when what the host has differs from what was last told. */
  readonly onChange: () => void;
  readonly log: Log;
}

/** Somebody else may change bridges at any time; a minute is how long that may go unnoticed. */
const PERIOD_MS = 60_000;

export class NetworkKeeper implements Reconciler {
  readonly name = "keep-networks";
  readonly periodMs = PERIOD_MS;
  readonly #parts: NetworkKeeperParts;
  #observed: readonly NetworkObservation[] = [];

  constructor(parts: NetworkKeeperParts) {
    this.#parts = parts;
  }

  get observed(): readonly NetworkObservation[] {
    return this.#observed;
  }

  async reconcile(): Promise<void> {
    const { driver, assigned, onChange, log } = this.#parts;
    const wanted = assigned();
    if (wanted === undefined) return;
    const before = JSON.stringify(this.#observed);
    this.#observed = await driver.apply(wanted.networks);
    if (JSON.stringify(this.#observed) === before) return;
    for (const network of this.#observed) {
      const { name, state, vlan, bridge, message } = network;
      const fields = { network: name, state, vlan, bridge };
      if (state === "failed") log.warn({ ...fields, why: message }, "network failed");
      else log.info(fields, "network is ready");
    }
    onChange();
  }
}
