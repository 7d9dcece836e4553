/**
 * When nobody is fenced, however lost hosts look. Pure. A coordinator that has lost its own network sees what a dead
 * cluster looks like; so while more than half of the hosts are missing, it is taken to be the one that is cut off.
 */
import type { HostId, HostRecord, HostState } from "@muster/model";

export interface BrakeFacts {
  readonly hosts: readonly HostRecord[];
  readonly stateOf: (host: HostRecord) => HostState;
}

/** Undefined: no brake is on. */
export function brakeOf({ hosts, stateOf }: BrakeFacts): string | undefined {
  const counted = hosts.filter((host) => host.off === undefined && stateOf(host) !== "joining");
  const missing = counted.filter((host) => stateOf(host) !== "online");
  if (missing.length === 0 || missing.length * 2 <= counted.length) return undefined;
  const numbers = `${String(missing.length)} of ${String(counted.length)} hosts are missing`;
  return `${numbers}, more than half: the coordinator itself may be cut off, so nobody is fenced`;
}

/** Hosts that are missing and not known to be off. */
export const missingIds = ({ hosts, stateOf }: BrakeFacts): readonly HostId[] =>
  hosts
    .filter((host) => host.off === undefined && ["unknown", "lost"].includes(stateOf(host)))
    .map(({ id }) => id);
