/**
 * Leases granted to hosts. In memory only: a coordinator that has just begun assumes that its predecessor granted one to
 * every host in its last moment, so no lease is ever taken for shorter than it is.
 */
import type { HostId, HostRecord, LeaseRequest } from "@muster/model";
import type { Clock } from "@muster/runtime";
import { put, type Ledger } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import { haSwitchOf } from "./ha-switch.ts";
import { watchdogActedAtMs } from "./liveness.ts";

export interface LeasesParts {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly leaseMs: number;
}

export class Leases {
  readonly #parts: LeasesParts;
  #bornMs: number;
  readonly #grantedAtMs = new Map<HostId, number>();

  constructor(parts: LeasesParts) {
    this.#parts = parts;
    this.#bornMs = parts.clock.now();
  }

  /** This coordinator leads from now on; until now another one may have granted leases. */
  begin(): void {
    this.#bornMs = this.#parts.clock.now();
  }

  get leaseMs(): number {
    return this.#parts.leaseMs;
  }

  /** Undefined: no time is enough, because the host has no watchdog, or is told that it may stop it. */
  watchdogActedAtMs(host: HostRecord): number | undefined {
    if (haSwitchOf(this.#parts.ledger.view.cluster).mode !== "armed") return undefined;
    return watchdogActedAtMs(host, this.#grantedAtMs.get(host.id) ?? this.#bornMs);
  }

  /** True once the host may count on the lease: what guards its VMs is in the ledger. */
  async grant(hostId: HostId, request: LeaseRequest): Promise<boolean> {
    const { ledger, clock } = this.#parts;
    // Deposed, or only perhaps: it promises nothing.
    if (!ledger.isLeading) return false;
    const receivedMs = clock.now();
    // Counted from now whatever comes of it: an answer on its way is an answer.
    this.#grantedAtMs.set(hostId, receivedMs);
    const wanted = this.#recordFor(ledger.view, hostId, request);
    if (wanted === undefined) return false;
    if (wanted !== "as it is") {
      await ledger.transact((view) => {
        const record = this.#recordFor(view, hostId, request);
        const changes = record === undefined || record === "as it is" ? [] : [put("host", record)];
        return { changes, result: undefined };
      });
    }
    return ledger.isLeading;
  }

  #recordFor(
    view: LedgerView,
    hostId: HostId,
    { watchdogTimeoutMs: timeoutMs }: LeaseRequest,
  ): HostRecord | "as it is" | undefined {
    const host = view.hosts.get(hostId);
    if (host === undefined) return undefined;
    const { watchdog, ...rest } = host;
    if (timeoutMs === 0) return watchdog === undefined ? "as it is" : rest;
    // Nothing is guarded while disarmed; a heartbeat that was on its way must not bring a watchdog back.
    if (haSwitchOf(view.cluster).mode !== "armed") return undefined;
    const leaseMs = Math.max(watchdog?.leaseMs ?? 0, this.#parts.leaseMs);
    if (watchdog?.timeoutMs === timeoutMs && watchdog.leaseMs === leaseMs) return "as it is";
    return { ...host, watchdog: { timeoutMs, leaseMs } };
  }
}
