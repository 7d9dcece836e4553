/** High availability as the CLI shows it. Field names are those of `-o json`: a contract with scripts. */
import type { GetHaResponse } from "@muster/proto/admin";
import type { HaPolicy } from "@muster/proto/types";
import { haModeWord, hostStateWord, type HaModeWord, type HostStateWord } from "./words.ts";

export interface HaHostView {
  readonly host: string;
  readonly state: HostStateWord;
  /** 0: none is armed. */
  readonly watchdogTimeoutMs: number;
  readonly fenceDevices: number;
  /** VMs that would be restarted elsewhere. */
  readonly vms: number;
  /** Empty: it is not certain that it is off. */
  readonly off: string;
  /** Empty: nothing is to be done. */
  readonly next: string;
}

export interface HaVmView {
  readonly vm: string;
  readonly host: string;
  readonly policy?: Readonly<HaPolicy>;
  readonly wanted: string;
  readonly restarts: number;
  readonly next: string;
  readonly haError: string;
}

export interface HaView {
  readonly mode: HaModeWord;
  readonly reason: string;
  readonly changedBy: string;
  readonly changedAt: string;
  /** Empty: no brake is on. */
  readonly brake: string;
  readonly lostAfterMs: number;
  readonly leaseMs: number;
  readonly hosts: readonly HaHostView[];
  readonly vms: readonly HaVmView[];
}

export const decodeHa = (wire: GetHaResponse): HaView => ({
  mode: haModeWord(wire.mode),
  reason: wire.reason,
  changedBy: wire.changedBy,
  changedAt: wire.changedAt,
  brake: wire.brake,
  lostAfterMs: wire.lostAfterMs,
  leaseMs: wire.leaseMs,
  hosts: wire.hosts.map(({ state, ...host }) => ({ ...host, state: hostStateWord(state) })),
  vms: wire.vms.map(({ policy, ...vm }) => ({
    ...vm,
    ...(policy === undefined ? {} : { policy }),
  })),
});
