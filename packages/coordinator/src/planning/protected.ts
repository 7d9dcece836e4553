/** What carries a host's own traffic: touching it may cut the host off, so somebody has to say that it is meant. Pure. */
import { MusterError, type HostRecord, type TrafficKind } from "@muster/model";
import type { Observations } from "../observations/observations.ts";

export interface Touched {
  /** "network blue", "uplink lan". */
  readonly what: string;
  readonly carriesOn: (host: HostRecord) => readonly TrafficKind[];
}

const words: Readonly<Record<TrafficKind, string>> = {
  agent: "its agent's connection to the coordinator",
  migration: "migrations",
};

/** Throws unless nothing of the hosts' own rides on it, or somebody has said that it may be touched. */
export function refuseProtected(
  hosts: readonly HostRecord[],
  { what, carriesOn }: Touched,
  overrideProtected: boolean,
): void {
  if (overrideProtected) return;
  const reasons = hosts.flatMap((host) =>
    carriesOn(host).map((kind) => `${host.name}: ${what} carries ${words[kind]}`),
  );
  if (reasons.length === 0) return;
  throw new MusterError("wrong-state", `${what} is protected on ${String(hosts.length)} hosts`, {
    reasons,
    hint: "if it is meant: --override-protected; a host that is cut off still undoes it by itself",
  });
}

export const networkTraffic = (observations: Observations, name: string): Touched => ({
  what: `network ${name}`,
  carriesOn: ({ id }) => observations.get(id)?.networks.get(name)?.carries ?? [],
});

export const uplinkTraffic = (observations: Observations, label: string): Touched => ({
  what: `uplink ${label}`,
  carriesOn: ({ id }) =>
    observations.get(id)?.hostNetwork?.uplinks.find((uplink) => uplink.label === label)?.carries ??
    [],
});

export const interfaceTraffic = (observations: Observations): Touched => ({
  what: "one of the host's own interfaces",
  carriesOn: ({ id }) =>
    observations.get(id)?.hostNetwork?.interfaces.flatMap(({ carries }) => carries) ?? [],
});
