import type { CallOptions } from "../../pending-call.ts";
import * as enums from "../../protocol/generated/enums.ts";
import { nameOf, numberOf, type NamesOf, type Table } from "../../protocol/names.ts";
import { DomainDefinition } from "./domain-definition.ts";

const reasonTables = {
  nostate: enums.domainNostateReason,
  running: enums.domainRunningReason,
  blocked: enums.domainBlockedReason,
  paused: enums.domainPausedReason,
  shutdown: enums.domainShutdownReason,
  shutoff: enums.domainShutoffReason,
  crashed: enums.domainCrashedReason,
  pmsuspended: enums.domainPmSuspendedReason,
} as const;

type Tables = typeof reasonTables;

/** A state and why, for example "paused" because of "ioerror". A discriminated union over `state`. */
export type DomainStateAndReason =
  | {
      readonly [State in keyof Tables]: {
        readonly state: State;
        readonly reason: NamesOf<Tables[State]> | "unknown";
      };
    }[keyof Tables]
  | { readonly state: "unknown"; readonly reason: "unknown" };

export interface DomainInfo {
  readonly state: enums.DomainState;
  readonly maxMemKiB: bigint;
  readonly memoryKiB: bigint;
  readonly nrVirtCpu: number;
  /** CPU time used, in nanoseconds. */
  readonly cpuTimeNs: bigint;
}

export type MemoryStats = Readonly<
  Partial<Record<NamesOf<typeof enums.domainMemoryStatTags>, bigint>>
>;

export interface SecurityLabel {
  readonly label: string;
  readonly isEnforcing: boolean;
}

export interface InterfaceAddress {
  readonly type: enums.IpAddrType;
  readonly address: string;
  readonly prefix: number;
}

export interface DomainInterface {
  readonly name: string;
  readonly hwaddr: string | null;
  readonly addresses: readonly InterfaceAddress[];
}

export interface InterfaceAddressesOptions extends CallOptions {
  /** Who is asked: libvirt's DHCP leases (default), the guest agent, or the host's ARP table. */
  readonly source?: NamesOf<typeof enums.domainInterfaceAddressesSource> | undefined;
}

/** What the daemon can say of a domain now. */
export abstract class DomainInformation extends DomainDefinition {
  /** virDomainGetState (0.9.2): answered even while every normal worker of the daemon hangs. */
  async getState(options?: CallOptions): Promise<DomainStateAndReason> {
    const args = { dom: this.reference, flags: 0 };
    const { state, reason } = await this.session.call("domainGetState", args, options);
    const name = nameOf(enums.domainState, state);
    if (name === "unknown") return { state: name, reason: "unknown" };
    const reasons: Table<string> = reasonTables[name];
    return { state: name, reason: nameOf(reasons, reason) } as DomainStateAndReason;
  }

  /** virDomainGetInfo (0.0.3). */
  async getInfo(options?: CallOptions): Promise<DomainInfo> {
    const info = await this.session.call("domainGetInfo", { dom: this.reference }, options);
    return {
      state: nameOf(enums.domainState, info.state),
      maxMemKiB: info.maxMem,
      memoryKiB: info.memory,
      nrVirtCpu: info.nrVirtCpu,
      cpuTimeNs: info.cpuTime,
    };
  }

  /** virDomainMemoryStats (0.7.5): KiB by tag, but for faults and the update time (seconds). */
  async memoryStats(options?: CallOptions): Promise<MemoryStats> {
    const args = { dom: this.reference, maxStats: MEMORY_STATS_MAX, flags: 0 };
    const { stats } = await this.session.call("domainMemoryStats", args, options);
    const named = stats.map(({ tag, val }) => [nameOf(enums.domainMemoryStatTags, tag), val]);
    return Object.fromEntries(named.filter(([tag]) => tag !== "unknown")) as MemoryStats;
  }

  /** virDomainInterfaceAddresses (1.2.14). */
  async interfaceAddresses(
    options: InterfaceAddressesOptions = {},
  ): Promise<readonly DomainInterface[]> {
    const source = numberOf(enums.domainInterfaceAddressesSource, options.source ?? "lease");
    const args = { dom: this.reference, source, flags: 0 };
    const { ifaces } = await this.session.call("domainInterfaceAddresses", args, options);
    return ifaces.map(({ name, hwaddr, addrs }) => ({
      name,
      hwaddr,
      addresses: addrs.map(({ type, addr, prefix }) => ({
        type: nameOf(enums.ipAddrType, type),
        address: addr,
        prefix,
      })),
    }));
  }

  /** virDomainInterfaceStats (0.3.2): counters of one host device; -1 where the driver does not count. */
  async interfaceStats(device: string, options?: CallOptions) {
    const args = { dom: this.reference, device };
    const stats = await this.session.call("domainInterfaceStats", args, options);
    return {
      rxBytes: stats.rx_bytes,
      rxPackets: stats.rx_packets,
      rxErrs: stats.rx_errs,
      rxDrop: stats.rx_drop,
      txBytes: stats.tx_bytes,
      txPackets: stats.tx_packets,
      txErrs: stats.tx_errs,
      txDrop: stats.tx_drop,
    };
  }

  /** virDomainBlockStats (0.3.2): counters of one disk; -1 where the driver does not count. */
  async blockStats(disk: string, options?: CallOptions) {
    const args = { dom: this.reference, path: disk };
    const stats = await this.session.call("domainBlockStats", args, options);
    return {
      rdReq: stats.rd_req,
      rdBytes: stats.rd_bytes,
      wrReq: stats.wr_req,
      wrBytes: stats.wr_bytes,
      errs: stats.errs,
    };
  }

  /** virDomainGetSecurityLabelList (0.10.0): one label for each security driver at work. */
  async getSecurityLabelList(options?: CallOptions): Promise<readonly SecurityLabel[]> {
    const args = { dom: this.reference };
    const { labels } = await this.session.call("domainGetSecurityLabelList", args, options);
    return labels.map(({ label, enforcing }) => ({
      label: Buffer.from(label).toString("utf8").replace(/\0.*$/s, ""),
      isEnforcing: enforcing !== 0,
    }));
  }

  /** virDomainGetControlInfo (0.9.3): whether the hypervisor answers, and since when it does not. */
  async getControlInfo(options?: CallOptions) {
    const args = { dom: this.reference, flags: 0 };
    const info = await this.session.call("domainGetControlInfo", args, options);
    return {
      state: nameOf(enums.domainControlState, info.state),
      details: nameOf(enums.domainControlErrorReason, info.details),
      stateTimeMs: info.stateTime,
    };
  }
}

/** More than libvirt has tags. */
const MEMORY_STATS_MAX = 64;
