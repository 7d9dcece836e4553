/** Which hosts are not heard on which networks, kept up to date as hosts tell what they hear. */
import type { HostId, ProbeResult } from "@muster/model";
import { pairProblem, unheardHosts, type ProbedHost } from "./probe-verdict.ts";

/** Bytes a network promises; undefined: nobody knows the network. */
export type MtuOf = (network: string) => number | undefined;

interface Reporter {
  /** Undefined: not connected, or it does not have the network. */
  hostWith(hostId: HostId, network: string): { readonly name: string } | undefined;
}

const nobody: ReadonlyMap<HostId, string> = new Map();

export class NetworkReach {
  readonly #mtuOf: MtuOf;
  readonly #reporter: Reporter;
  readonly #rows = new Map<HostId, readonly ProbeResult[]>();
  readonly #unheard = new Map<string, ReadonlyMap<HostId, string>>();

  constructor(mtuOf: MtuOf, reporter: Reporter) {
    this.#mtuOf = mtuOf;
    this.#reporter = reporter;
  }

  row(hostId: HostId): readonly ProbeResult[] {
    return this.#rows.get(hostId) ?? [];
  }

  /** Why VMs on these hosts would not be heard; hosts that are not in it are heard or were not probed. */
  unheardOn(network: string): ReadonlyMap<HostId, string> {
    return this.#unheard.get(network) ?? nobody;
  }

  /** Hosts for which something else holds now. */
  reported(hostId: HostId, row: readonly ProbeResult[]): ReadonlySet<HostId> {
    const before = this.#rows.get(hostId) ?? [];
    this.#rows.set(hostId, row);
    return this.#judgements(before) === this.#judgements(row)
      ? new Set()
      : this.#judge([...before, ...row].map(({ network }) => network));
  }

  /** The host came, went, or has other networks. */
  changed(hostId: HostId): ReadonlySet<HostId> {
    return this.#judge(this.row(hostId).map(({ network }) => network));
  }

  forget(hostId: HostId): ReadonlySet<HostId> {
    const row = this.row(hostId);
    this.#rows.delete(hostId);
    return this.#judge(row.map(({ network }) => network));
  }

  #judgements(row: readonly ProbeResult[]): string {
    const judged = row.map((result) => {
      const { network, peer, sent } = result;
      const isGood = pairProblem(result, this.#mtuOf(network) ?? 0) === undefined;
      return `${network} ${peer} ${String(sent > 0)} ${String(isGood)}`;
    });
    return judged.toSorted().join("\n");
  }

  #judge(networks: readonly string[]): ReadonlySet<HostId> {
    const changed = new Set<HostId>();
    for (const name of new Set(networks)) {
      const before = this.unheardOn(name);
      const now = unheardHosts(this.#hostsOn(name), { name, mtu: this.#mtuOf(name) ?? 0 });
      if (now.size === 0) this.#unheard.delete(name);
      else this.#unheard.set(name, now);
      for (const hostId of new Set([...before.keys(), ...now.keys()])) {
        if (before.get(hostId) !== now.get(hostId)) changed.add(hostId);
      }
    }
    return changed;
  }

  #hostsOn(network: string): readonly ProbedHost[] {
    return [...this.#rows].flatMap(([hostId, results]) => {
      const host = this.#reporter.hostWith(hostId, network);
      return host === undefined ? [] : [{ hostId, name: host.name, results }];
    });
  }
}
