/** What the agent needs to find out whom the host hears on its networks. */
import type { NetworkObservation, NetworkSpec, ProbePeer, ProbeResult } from "@muster/model";

export interface ProbeTarget {
  readonly network: NetworkSpec;
  /** As it is on this host. */
  readonly observed: NetworkObservation;
  readonly peers: readonly ProbePeer[];
}

export interface Prober {
  /**
   * Makes this host answer on exactly these networks, and asks every peer once. A network on which this host has no
   * place is left out of the answer: what is wrong with it is said elsewhere.
   */
  round(targets: readonly ProbeTarget[], signal: AbortSignal): Promise<readonly ProbeResult[]>;
}
