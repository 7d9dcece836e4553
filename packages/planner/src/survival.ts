/**
 * "Can every host fail?" kept true while VMs come and go.
 *
 * For each failure that the policy speaks of there is a rehearsal: a host for every VM it would hit, worked
 * out before it happens. What the rehearsals need of a host is its reserve; as long as nothing eats into
 * that, they all still hold and a question costs one comparison. Otherwise the rehearsals that used the
 * room are worked out afresh, largest VM first.
 *
 * A rehearsal looks at memory, CPUs, hugepages, number of VMs, and the facts that static rules look at;
 * group rules and storage space are left to the recovery itself.
 */
import type { DomainLevel } from "./domains.ts";
import { Rehearsal } from "./rehearsal.ts";
import { Reserves, type HostRoom } from "./reserves.ts";
import type { Load } from "./want.ts";

export interface BrokenSurvival {
  /** Names of the domains that would be lost together. */
  readonly domain: string;
  /** A VM that would have nowhere to go. */
  readonly stranded: Load;
}

export class SurvivalUsage {
  readonly level: string;
  readonly count: number;
  readonly #reserves: Reserves;
  readonly #rehearsals: readonly Rehearsal[];
  /** By host index: rehearsals in which the host is lost. */
  readonly #losing: readonly (readonly Rehearsal[])[];
  /** Rehearsals that did not hold and may do so now that something left. */
  readonly #mayHold = new Set<Rehearsal>();

  /**
   * For one failure at a time, each domain is rehearsed. For `count` at a time, each domain together with
   * the `count - 1` others that have most used memory: the worst of them, not every combination.
   */
  constructor(room: HostRoom, domains: DomainLevel, count: number) {
    this.level = domains.name;
    this.count = count;
    this.#reserves = new Reserves(room);
    const byUse = domains.hostsOfDomain
      .map((hosts, index) => ({
        index,
        usedMiB: hosts.reduce((sum, host) => sum + room.usedMemoryMiB(host), 0),
      }))
      .sort((a, b) => b.usedMiB - a.usedMiB || a.index - b.index);
    this.#rehearsals = domains.hostsOfDomain.map((_hosts, index) => {
      const others = byUse.filter((domain) => domain.index !== index).slice(0, count - 1);
      const lost = [index, ...others.map((domain) => domain.index)];
      return new Rehearsal(room, this.#reserves, {
        name: lost.map((domain) => domains.domainNames[domain] ?? "").join(" and "),
        lostHosts: lost.flatMap((domain) => domains.hostsOfDomain[domain] ?? []),
      });
    });
    const losing: Rehearsal[][] = Array.from({ length: domains.domainOfHost.length }, () => []);
    for (const rehearsal of this.#rehearsals) {
      for (const host of rehearsal.lostHosts) losing[host]?.push(rehearsal);
    }
    this.#losing = losing;
    for (const rehearsal of this.#rehearsals) rehearsal.workOut();
  }

  /** The failures that the cluster does not survive as it is. */
  broken(): readonly BrokenSurvival[] {
    this.settle();
    return this.#rehearsals.flatMap(({ name, stranded }) =>
      stranded === undefined ? [] : [{ domain: name, stranded }],
    );
  }

  /**
   * A failure that would no longer be survived with the VM on the host. One that is not survived as it is
   * stands only in the way of VMs that would be hit by it too.
   */
  breaksWith(load: Load, host: number): BrokenSurvival | undefined {
    for (const rehearsal of this.#losing[host] ?? []) {
      const stranded = rehearsal.strandedWithOneMore(load);
      if (stranded !== undefined) return { domain: rehearsal.name, stranded };
    }
    if (this.#reserves.allHold(host, load)) return undefined;
    for (const rehearsal of this.#reserves.reservers(host)) {
      const stranded = rehearsal.strandedWithout(load, host);
      if (stranded !== undefined) return { domain: rehearsal.name, stranded };
    }
    return undefined;
  }

  /** After a VM was charged to a host. */
  added(load: Load, host: number): void {
    for (const rehearsal of this.#losing[host] ?? []) rehearsal.add(load);
    if (this.#reserves.allHold(host, undefined)) return;
    for (const rehearsal of this.#reserves.reservers(host)) rehearsal.mend(host);
  }

  /** After a VM was discharged from a host. */
  removed(load: Load, host: number): void {
    for (const rehearsal of this.#losing[host] ?? []) rehearsal.remove(load);
    for (const rehearsal of this.#rehearsals) {
      if (rehearsal.stranded !== undefined) this.#mayHold.add(rehearsal);
    }
  }

  /** Works out again what may hold now. Before a question, not during one: that supposes things. */
  settle(): void {
    for (const rehearsal of this.#mayHold) rehearsal.workOut();
    this.#mayHold.clear();
  }
}
