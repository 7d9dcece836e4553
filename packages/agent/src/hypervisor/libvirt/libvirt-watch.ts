/** Seeing through libvirt: observations, statistics and events. Changes nothing. */
import {
  isActive,
  isMusterError,
  parseVmId,
  type VmId,
  type VmObservation,
  type VmUsage,
} from "@muster/model";
import { raceAbort } from "../race-abort.ts";
import type { Clock } from "@muster/runtime";
import { isLibvirtError, type Domain, type DomainStateAndReason } from "node-libvirt";
import { ChangeQueue } from "../change-queue.ts";
import { parseDomain, type ParsedDomain } from "../domain-xml/parse-domain.ts";
import type { HypervisorLog, VmChange, VmWatch } from "../hypervisor.ts";
import { findDomain, isOurs, type ClusterIdSource } from "./domain-handle.ts";
import { attempt, unlessRefused } from "./libvirt-error.ts";
import type { LibvirtLink } from "./libvirt-link.ts";
import { isArriving, isMigration, usageFromStats, vmStateFrom } from "./vm-state.ts";

/** What `sample` asks for: no group that makes libvirt ask the guest. */
const SAMPLED = ["state", "cpuTotal", "balloon", "interface", "block"] as const;

/** Undefined: it could not be read. */
type Parsed = ParsedDomain | undefined;

export class LibvirtWatch implements VmWatch {
  readonly #link: LibvirtLink;
  readonly #clock: Clock;
  readonly #log: HypervisorLog;
  readonly #clusterId: ClusterIdSource;
  /**
   * The last document of each domain and what it says: they seldom change, and parsing all of them anew every minute
   * is most of what an idle agent would allocate.
   */
  readonly #documents = new Map<string, { readonly xml: string; readonly parsed: Parsed }>();

  constructor(parts: {
    readonly link: LibvirtLink;
    readonly clock: Clock;
    readonly log: HypervisorLog;
    readonly clusterId: ClusterIdSource;
  }) {
    this.#link = parts.link;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#clusterId = parts.clusterId;
  }

  async list(): Promise<readonly VmObservation[]> {
    return attempt("list the domains of this host", async () => {
      const connection = await this.#link.connection();
      const domains = await connection.listAllDomains();
      const observed = await Promise.all(domains.map((domain) => this.#observe(domain)));
      this.#forgetOthers(new Set(domains.map(({ uuid }) => uuid)));
      return observed.filter((observation) => observation !== undefined);
    });
  }

  async observe(vmId: VmId): Promise<VmObservation | undefined> {
    return attempt(`observe vm ${vmId}`, async () => {
      const domain = await findDomain(await this.#link.connection(), vmId);
      return domain === undefined ? undefined : this.#observe(domain);
    });
  }

  async sample(): Promise<ReadonlyMap<VmId, VmUsage>> {
    return attempt("sample the domains of this host", async () => {
      const connection = await this.#link.connection();
      const flags = ["nowait", "active"] as const;
      const answers = await connection.getAllDomainStats({ stats: SAMPLED, flags });
      const usages = new Map<VmId, VmUsage>();
      for (const { domain, stats } of answers) {
        const usage = usageFromStats(stats);
        if (usage !== undefined) usages.set(parseVmId(domain.uuid), usage);
      }
      return usages;
    });
  }

  async *changes(signal: AbortSignal): AsyncGenerator<VmChange, void, undefined> {
    const queue = new ChangeQueue();
    const stopListening = this.#link.listen({
      onGap: () => {
        queue.put({ kind: "gap" });
      },
      onEvent: (event) => {
        queue.put({ kind: "changed", vmId: parseVmId(event.domain.uuid) });
      },
    });
    try {
      yield* queue.read(AbortSignal.any([signal, this.#link.closed]));
    } finally {
      stopListening();
    }
  }

  async isAlive(timeoutMs: number): Promise<boolean> {
    const timeUp = new AbortController();
    const slept = this.#clock.sleep(timeoutMs, timeUp.signal).then(
      () => {
        timeUp.abort(new Error("libvirt did not answer in time"));
      },
      // The answer came first: the sleep was aborted below.
      () => undefined,
    );
    try {
      const signal = AbortSignal.any([timeUp.signal, this.#link.closed]);
      return await raceAbort(this.#askForLife(timeoutMs), signal);
    } catch {
      // Whatever the reason: it did not answer. The link says in the log when the connection was lost.
      return false;
    } finally {
      timeUp.abort(new Error("libvirt answered"));
      await slept;
    }
  }

  async #askForLife(timeoutMs: number): Promise<boolean> {
    const connection = await this.#link.connection(timeoutMs);
    // Of high priority: answered even while every ordinary worker of the daemon hangs.
    await connection.nodeGetInfo({ timeoutMs });
    return true;
  }

  /** Undefined: it went away while we looked. */
  async #observe(domain: Domain): Promise<VmObservation | undefined> {
    const facts = await unlessRefused(
      Promise.all([domain.getXmlDesc(), domain.getState(), domain.isPersistent()]),
      "noDomain",
    );
    if (facts === undefined) return undefined;
    const [xml, state, persistent] = facts;
    const vmState = vmStateFrom(state, domain.id >= 0);
    const migrating = isActive(vmState) && (await this.#isMigrating(domain, state));
    const parsed = this.#read(domain, xml);
    const ours = isOurs(parsed?.mark, this.#clusterId);
    return {
      id: parseVmId(domain.uuid),
      name: domain.name,
      state: vmState,
      reason: state.reason,
      managed: ours,
      generation: ours ? (parsed?.mark?.generation ?? 0) : 0,
      cpus: parsed?.cpus ?? 0,
      memoryBytes: parsed?.memoryBytes ?? 0n,
      macs: parsed?.nics.flatMap(({ mac }) => (mac === "" ? [] : [mac])) ?? [],
      migrating,
      persistent,
    };
  }

  #read(domain: Domain, xml: string): Parsed {
    const known = this.#documents.get(domain.uuid);
    if (known?.xml === xml) return known.parsed;
    const parsed = this.#parse(domain, xml);
    this.#documents.set(domain.uuid, { xml, parsed });
    return parsed;
  }

  #forgetOthers(present: ReadonlySet<string>): void {
    for (const uuid of this.#documents.keys()) {
      if (!present.has(uuid)) this.#documents.delete(uuid);
    }
  }

  /** A domain whose document cannot be read is still there and still shown, as a wild one. */
  #parse(domain: Domain, xml: string): Parsed {
    try {
      return parseDomain(xml, `domain XML of vm ${domain.uuid}`);
    } catch (error) {
      if (!isMusterError(error)) throw error;
      this.#log.warn({ vmId: domain.uuid, err: error }, "domain cannot be read");
      return undefined;
    }
  }

  async #isMigrating(domain: Domain, state: DomainStateAndReason): Promise<boolean> {
    if (isArriving(state)) return true;
    try {
      const { type, stats } = await domain.getJobStats();
      return type !== "none" && isMigration(stats);
    } catch (error) {
      // The test driver has no jobs; a domain that just stopped has none either.
      if (isLibvirtError(error, "noSupport", "noDomain")) return false;
      // Statistics of an incoming migration are only given at its source.
      if (isLibvirtError(error, "operationInvalid")) return domain.isActive();
      throw error;
    }
  }
}
