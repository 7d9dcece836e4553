/**
 * Asks a network whether an address is taken before a VM gets it for the first time (RFC 5227): by the kernel's own ARP and
 * neighbour discovery, from a foothold that has no address of the network, so that nobody learns anything from the question.
 */
import type { NetworkObservation, NetworkSpec } from "@muster/model";
import type { Clock } from "@muster/runtime";
import { inNamespace } from "../footholds/render-foothold-action.ts";
import { insideOf, type Foothold } from "../footholds/foothold.ts";
import type { CommandRunner } from "../networks/command-runner.ts";
import { listOf, optional, parseJson, recordOf, textOf } from "../networks/json-reader.ts";

export interface AddressQuestion {
  readonly network: NetworkSpec;
  /** As it is on this host. */
  readonly observed: NetworkObservation;
  readonly addresses: readonly string[];
  /** Whoever has this one may answer: it is the VM itself. */
  readonly mac: string;
}

export interface AddressProber {
  /** Who answers for which; empty: nobody. @throws MusterError "network-failed" when nobody can be asked */
  takenBy(question: AddressQuestion): Promise<ReadonlyMap<string, string>>;
}

/** The kernel asks three times, a second apart; who is there answers within milliseconds, who sleeps within a second. */
const WAIT_MS = 1_500;
const LOOK_MS = 100;

export interface NeighbourProberParts {
  readonly footholdOn: (network: NetworkSpec, observed: NetworkObservation) => Foothold | undefined;
  /** There while the work runs. */
  readonly borrowFoothold: <T>(foothold: Foothold, work: () => Promise<T>) => Promise<T>;
  readonly runner: CommandRunner;
  readonly clock: Clock;
}

export class NeighbourProber implements AddressProber {
  readonly #parts: NeighbourProberParts;

  constructor(parts: NeighbourProberParts) {
    this.#parts = parts;
  }

  async takenBy(question: AddressQuestion): Promise<ReadonlyMap<string, string>> {
    const { network, observed, addresses } = question;
    const foothold = this.#parts.footholdOn(network, observed);
    if (foothold === undefined || addresses.length === 0) return new Map();
    return this.#parts.borrowFoothold(foothold, () => this.#takenOn(foothold, question));
  }

  async #takenOn(
    foothold: Foothold,
    { addresses, mac }: AddressQuestion,
  ): Promise<ReadonlyMap<string, string>> {
    const { clock } = this.#parts;
    const untilMs = clock.now() + WAIT_MS;
    for (const address of addresses) await this.#ask(foothold, address);
    let taken: ReadonlyMap<string, string> = new Map();
    while (taken.size < addresses.length && clock.now() < untilMs) {
      await clock.sleep(LOOK_MS);
      const answered = await this.#answers(foothold);
      taken = new Map(
        addresses.flatMap((address) => {
          const by = answered.get(address);
          return by === undefined || by === mac ? [] : [[address, by] as const];
        }),
      );
    }
    for (const address of addresses) await this.#forget(foothold, address);
    return taken;
  }

  /** A question that was asked before is forgotten first: who answered then may be gone. */
  async #ask(foothold: Foothold, address: string): Promise<void> {
    await this.#forget(foothold, address);
    await this.#neighbour(foothold, "replace", address, "use");
  }

  async #forget(foothold: Foothold, address: string): Promise<void> {
    await this.#neighbour(foothold, "flush", "to", address);
  }

  async #neighbour(foothold: Foothold, ...words: readonly string[]): Promise<void> {
    const { namespace } = foothold;
    const on = ["dev", insideOf(foothold)];
    await this.#parts.runner.run(inNamespace(namespace, "ip", "neigh", ...words, ...on));
  }

  async #answers(foothold: Foothold): Promise<ReadonlyMap<string, string>> {
    const { namespace } = foothold;
    const list = ["ip", "-j", "neigh", "show", "dev", insideOf(foothold)];
    const what = `neighbours on network ${foothold.network}`;
    const text = await this.#parts.runner.run(inNamespace(namespace, ...list));
    const rows = listOf(parseJson(text, what), what).map((each) => recordOf(each, what));
    return new Map(
      rows.flatMap((row) => {
        const by = optional(row["lladdr"], what, textOf);
        return by === undefined ? [] : [[textOf(row["dst"], what), by] as const];
      }),
    );
  }
}
