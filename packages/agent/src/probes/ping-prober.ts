/**
 * Probes by echo requests between footholds (docs/design/0037): the kernel of the other host answers, so that a host
 * whose agent is being restarted is still heard.
 */
import {
  isMusterError,
  type HostId,
  type NetworkObservation,
  type NetworkSpec,
  type ProbeResult,
} from "@muster/model";
import type { Log } from "@muster/runtime";
import { placeOf } from "../footholds/bridge-place.ts";
import { PROBE_NAMESPACE, insideOf, type Foothold } from "../footholds/foothold.ts";
import { inNamespace } from "../footholds/render-foothold-action.ts";
import type { CommandRunner } from "../networks/command-runner.ts";
import { measurePath } from "./measure-path.ts";
import { parsePing, renderPing, type PingAnswer } from "./ping.ts";
import { probeAddress } from "./probe-address.ts";
import type { Prober, ProbeTarget } from "./prober.ts";

/**
 * Paths measured at once. Each is a process that mostly waits; where a switch is gone all wait three seconds, and a host
 * with 50 networks and nine peers is through in two minutes.
 */
const AT_ONCE_MAX = 16;

export interface PingProberParts {
  readonly hostId: HostId;
  /** Makes footholds; answers why some could not be made, by network. */
  readonly keepFootholds: (wanted: readonly Foothold[]) => Promise<ReadonlyMap<string, string>>;
  readonly runner: CommandRunner;
  readonly log: Log;
}

interface Path {
  readonly foothold: Foothold;
  readonly peer: HostId;
}

export class PingProber implements Prober {
  readonly #parts: PingProberParts;
  /** Last said, so that a lasting problem is logged once. */
  #problems = "";

  constructor(parts: PingProberParts) {
    this.#parts = parts;
  }

  async round(
    targets: readonly ProbeTarget[],
    signal: AbortSignal,
  ): Promise<readonly ProbeResult[]> {
    const wanted = targets.flatMap((target) => {
      const foothold = this.#footholdOn(target);
      return foothold === undefined ? [] : [{ foothold, peers: target.peers }];
    });
    const problems = await this.#parts.keepFootholds(wanted.map(({ foothold }) => foothold));
    this.#say(problems);
    const paths = wanted
      .filter(({ foothold }) => !problems.has(foothold.network))
      .flatMap(({ foothold, peers }) =>
        peers.map(({ hostId }): Path => ({ foothold, peer: hostId })),
      );
    return this.#measureAll(paths, signal);
  }

  #footholdOn({ network, observed }: ProbeTarget): Foothold | undefined {
    return probeFoothold(this.#parts.hostId, network, observed);
  }

  async #measureAll(paths: readonly Path[], signal: AbortSignal): Promise<readonly ProbeResult[]> {
    const results: ProbeResult[] = [];
    const waiting = [...paths];
    const work = async (): Promise<void> => {
      for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
        signal.throwIfAborted();
        results.push(await this.#measure(path));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE_MAX }, work));
    return results.toSorted((left, right) => (keyOf(left) < keyOf(right) ? -1 : 1));
  }

  async #measure({ foothold, peer }: Path): Promise<ProbeResult> {
    const to = { address: probeAddress(peer), device: insideOf(foothold) };
    const measure = await measurePath(foothold.mtu, (packetBytes, count) =>
      this.#echo(inNamespace(foothold.namespace, ...renderPing({ ...to, packetBytes, count }))),
    );
    return { network: foothold.network, peer, ...measure };
  }

  /** ping ends with 1 when nothing came back, which is an answer too. */
  async #echo(argv: readonly string[]): Promise<PingAnswer> {
    try {
      return parsePing(await this.#parts.runner.run(argv));
    } catch (error) {
      if (isMusterError(error)) return { received: 0, roundTripUs: 0 };
      throw error;
    }
  }

  #say(problems: ReadonlyMap<string, string>): void {
    const text = [...problems].map(([network, why]) => `${network}: ${why}`).join("; ");
    if (text === this.#problems) return;
    this.#problems = text;
    if (text !== "") this.#parts.log.warn({ why: text }, "networks cannot be probed");
  }
}

const keyOf = ({ network, peer }: ProbeResult): string => `${network} ${peer}`;

/** Where this host hears the network; undefined: nowhere. */
export function probeFoothold(
  hostId: HostId,
  network: NetworkSpec,
  observed: NetworkObservation,
): Foothold | undefined {
  const place = placeOf(network, observed);
  if (place === undefined) return undefined;
  return {
    purpose: "p",
    network: network.name,
    namespace: PROBE_NAMESPACE,
    place,
    mtu: network.mtu,
    addresses: [`${probeAddress(hostId)}/64`],
  };
}
