/** Asks, round after round, whom this host hears on its networks, and tells the coordinator. */
import type {
  AgentMessage,
  NetworkObservation,
  NetworkSpec,
  ProbePeer,
  ProbeResult,
} from "@muster/model";
import type { Reconciler } from "@muster/runtime";
import type { Assigned } from "../assignments/assigned.ts";
import type { Prober, ProbeTarget } from "./prober.ts";

/** While something is lost, so that it is soon seen when it is mended. */
const AGAIN_MS = 5_000;

/** What did not change is told again as often: round trips are for people, who can wait. */
const TELL_AGAIN_ROUNDS = 10;

export interface NetworkProberParts {
  readonly prober: Prober;
  readonly periodMs: number;
  readonly assigned: () => Assigned | undefined;
  /** As the host has it now. */
  readonly network: (name: string) => NetworkSpec | undefined;
  readonly observed: () => readonly NetworkObservation[];
  /** False: nobody would hear the report. */
  readonly isHeard: () => boolean;
  readonly send: (report: Extract<AgentMessage, { kind: "probe-report" }>) => void;
}

export interface ProbedPaths {
  readonly network: string;
  readonly good: number;
  readonly bad: number;
}

export class NetworkProber implements Reconciler {
  readonly name = "probe-networks";
  readonly #parts: NetworkProberParts;
  #results: readonly ProbeResult[] = [];
  /** What was told in this session. Undefined: nothing yet. */
  #told: string | undefined;
  #roundsSinceTold = 0;

  constructor(parts: NetworkProberParts) {
    this.#parts = parts;
  }

  get periodMs(): number {
    const { periodMs } = this.#parts;
    return this.#results.some((result) => this.#isBad(result))
      ? Math.min(AGAIN_MS, periodMs)
      : periodMs;
  }

  /** Of the last round, by network. */
  get paths(): readonly ProbedPaths[] {
    const paths = new Map<string, { network: string; good: number; bad: number }>();
    for (const result of this.#results) {
      const { network } = result;
      const count = paths.get(network) ?? { network, good: 0, bad: 0 };
      count[this.#isBad(result) ? "bad" : "good"] += 1;
      paths.set(network, count);
    }
    return [...paths.values()];
  }

  /** A coordinator that has just started knows nothing. */
  sessionOpened(): void {
    this.#told = undefined;
  }

  async reconcile(signal: AbortSignal): Promise<void> {
    const { assigned, prober } = this.#parts;
    const { probes } = assigned() ?? {};
    if (probes === undefined) return;
    this.#results = await prober.round(this.#targets(), signal);
    this.#tell();
  }

  /** Only on networks that are ready: of the others the host says itself what is wrong. */
  #targets(): readonly ProbeTarget[] {
    const { assigned, network, observed } = this.#parts;
    const ready = new Map(
      observed().flatMap((network) =>
        network.state === "ready" ? [[network.name, network] as const] : [],
      ),
    );
    const peers = new Map<string, ProbePeer[]>();
    for (const assignment of assigned()?.probes ?? []) {
      for (const name of assignment.networks) {
        peers.set(name, [...(peers.get(name) ?? []), ...assignment.peers]);
      }
    }
    return [...peers].flatMap(([name, hosts]) => {
      const spec = network(name);
      const here = ready.get(name);
      return spec === undefined || here === undefined
        ? []
        : [{ network: spec, observed: here, peers: hosts }];
    });
  }

  #isBad({ network, sent, received, mtuBytes }: ProbeResult): boolean {
    return received < sent || mtuBytes < (this.#parts.network(network)?.mtu ?? 0);
  }

  #tell(): void {
    const { isHeard, send } = this.#parts;
    if (!isHeard()) return;
    const judged = this.#results.map(({ network, peer, sent, received, mtuBytes }) =>
      [network, peer, sent, received, mtuBytes].join(" "),
    );
    const text = judged.join("\n");
    this.#roundsSinceTold += 1;
    if (text === this.#told && this.#roundsSinceTold < TELL_AGAIN_ROUNDS) return;
    send({ kind: "probe-report", results: this.#results });
    this.#told = text;
    this.#roundsSinceTold = 0;
  }
}
