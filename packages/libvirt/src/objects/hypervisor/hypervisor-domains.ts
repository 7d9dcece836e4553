import { FileDescriptorError } from "../../errors.ts";
import {
  domainEventKinds,
  domainEventSource,
  type DomainEvent as RawDomainEvent,
  type DomainEventKind,
  type DomainEventOf as RawDomainEventOf,
} from "../../events/domain-events.ts";
import type { EventSource, SubscribeOptions } from "../../events/event-hub.ts";
import type { EventStream } from "../../events/event-stream.ts";
import type { CallOptions } from "../../pending-call.ts";
import * as flags from "../../protocol/generated/flags.ts";
import { bitsOf } from "../../protocol/names.ts";
import type { TypedParameters } from "../../xdr/typed-parameters.ts";
import type { WithFlags } from "../call-flags.ts";
import { Domain } from "../domain/domain.ts";
import { HypervisorCpu } from "./hypervisor-cpu.ts";

export interface AllDomainStatsOptions extends WithFlags<flags.ConnectGetAllDomainStatsFlag> {
  /** Groups of statistics; all that the hypervisor has by default. */
  readonly stats?: readonly flags.DomainStatsFlag[] | undefined;
  /** Only these domains; all by default. */
  readonly domains?: readonly Domain[] | undefined;
}

export interface DomainStats {
  readonly domain: Domain;
  /** By libvirt's names, for example `cpu.time` (bigint) or `state.state` (number). */
  readonly stats: TypedParameters;
}

export interface DomainEventOptions extends SubscribeOptions {
  /** Only of this domain; of all by default. */
  readonly domain?: Domain | undefined;
}

type WithDomain<Event> = Event extends RawDomainEvent
  ? { readonly [K in keyof Event]: K extends "domain" ? Domain : Event[K] }
  : never;

/** An event of one kind; `domain` is a handle. */
export type DomainEventOf<Kind extends DomainEventKind> = WithDomain<RawDomainEventOf<Kind>>;
/** Any event of a domain, told apart by `kind`. */
export type DomainEvent = { [Kind in DomainEventKind]: DomainEventOf<Kind> }[DomainEventKind];

/** Finding, defining and watching domains. */
export abstract class HypervisorDomains extends HypervisorCpu {
  /** virConnectListAllDomains (0.9.13): all of them, or those that the flags choose. */
  async listAllDomains(
    options: WithFlags<flags.ConnectListAllDomainsFlag> = {},
  ): Promise<readonly Domain[]> {
    const bits = bitsOf(flags.connectListAllDomainsFlags, options.flags);
    const args = { need_results: 1, flags: bits };
    const { domains } = await this.session.call("connectListAllDomains", args, options);
    return domains.map((reference) => new Domain(this.session, reference));
  }

  /** virDomainLookupByName (0.0.3). Rejects with LibvirtError "noDomain". */
  async domainLookupByName(name: string, options?: CallOptions): Promise<Domain> {
    const { dom } = await this.session.call("domainLookupByName", { name }, options);
    return new Domain(this.session, dom);
  }

  /** virDomainLookupByUUIDString (0.1.1). Rejects with LibvirtError "noDomain". */
  async domainLookupByUuid(uuid: string, options?: CallOptions): Promise<Domain> {
    const { dom } = await this.session.call("domainLookupByUuid", { uuid }, options);
    return new Domain(this.session, dom);
  }

  /** virDomainLookupByID (0.0.3): a running domain. Rejects with LibvirtError "noDomain". */
  async domainLookupById(id: number, options?: CallOptions): Promise<Domain> {
    const { dom } = await this.session.call("domainLookupById", { id }, options);
    return new Domain(this.session, dom);
  }

  /** virDomainDefineXMLFlags (1.2.12): a persistent domain, not started; redefines one with the same UUID. */
  async domainDefineXml(
    xml: string,
    options: WithFlags<flags.DomainDefineFlag> = {},
  ): Promise<Domain> {
    const args = { xml, flags: bitsOf(flags.domainDefineFlags, options.flags) };
    const { dom } = await this.session.call("domainDefineXmlFlags", args, options);
    return new Domain(this.session, dom);
  }

  /** virDomainCreateXML (0.5.0): starts a transient domain, which is forgotten when it stops. */
  async domainCreateXml(
    xml: string,
    options: WithFlags<flags.DomainCreateFlag> = {},
  ): Promise<Domain> {
    const args = { xml_desc: xml, flags: bitsOf(flags.domainCreateFlags, options.flags) };
    const isBound = options.flags?.includes("autodestroy") ?? false;
    const { dom } = isBound
      ? await this.session.callOnControl("domainCreateXml", args, options)
      : await this.session.callLong("domainCreateXml", args, options);
    return new Domain(this.session, dom);
  }

  /** virDomainCreateXMLWithFiles (1.1.1). Rejects with FileDescriptorError: Node cannot pass files over a socket. */
  domainCreateXmlWithFiles(): Promise<never> {
    const instead = "only containers (LXC) take files: use domainCreateXml()";
    return Promise.reject(new FileDescriptorError("virDomainCreateXMLWithFiles", instead));
  }

  /** virConnectGetAllDomainStats (1.2.8). With "nowait" (4.5.0) a busy domain gives less instead of delaying. */
  async getAllDomainStats(options: AllDomainStatsOptions = {}): Promise<readonly DomainStats[]> {
    const args = {
      doms: (options.domains ?? []).map(({ reference }) => reference),
      stats: bitsOf(flags.domainStatsFlags, options.stats),
      flags: bitsOf(flags.connectGetAllDomainStatsFlags, options.flags),
    };
    const { retStats } = await this.session.call("connectGetAllDomainStats", args, options);
    return retStats.map(({ dom, params }) => ({
      domain: new Domain(this.session, dom),
      stats: params,
    }));
  }

  /**
   * virConnectDomainEventRegisterAny (0.8.0): the events of some kinds in one stream, or "all" that the daemon has.
   * They are registered when the promise resolves: subscribe first, then list, and nothing is missed between.
   */
  async domainEvents<Kind extends DomainEventKind = DomainEventKind>(
    kinds: Kind | readonly Kind[] | "all",
    options: DomainEventOptions = {},
  ): Promise<EventStream<DomainEventOf<Kind>>> {
    const isAll = kinds === "all";
    const named = isAll ? domainEventKinds : typeof kinds === "string" ? [kinds] : kinds;
    const reference = options.domain?.reference ?? null;
    const wanted = named as readonly Kind[];
    const sources = wanted.map((kind) => this.#domainEventSource(kind, reference));
    return this.session.subscribe(sources, { ...options, skipUnsupported: isAll });
  }

  #domainEventSource<Kind extends DomainEventKind>(
    kind: Kind,
    reference: Domain["reference"] | null,
  ): EventSource<DomainEventOf<Kind>> {
    const source = domainEventSource(kind, reference);
    const decode = (message: unknown) => {
      const event = source.decode(message);
      return { ...event, domain: new Domain(this.session, event.domain) } as DomainEventOf<Kind>;
    };
    return { ...source, decode };
  }
}
