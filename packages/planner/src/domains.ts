import type { HostSnapshot } from "./snapshot.ts";

export const DEFAULT_TOPOLOGY_LEVELS = ["site", "row", "rack"] as const;

/** Which failure domain each host is in, at one level. */
export interface DomainLevel {
  readonly name: string;
  /** By domain index, for people: "paris/row-2". */
  readonly domainNames: readonly string[];
  /** By host index. */
  readonly domainOfHost: Int32Array;
  /** By domain index. */
  readonly hostsOfDomain: readonly (readonly number[])[];
}

/** The levels from the outermost to `host`. Hosts that name no domain at a level share one, so that nothing is taken to be apart that may not be. */
export function domainLevels(
  hosts: readonly HostSnapshot[],
  levelNames: readonly string[],
): ReadonlyMap<string, DomainLevel> {
  const levels = new Map<string, DomainLevel>();
  levelNames.forEach((name, depth) => {
    levels.set(
      name,
      levelOf(name, hosts, (host) => {
        const path = host.failureDomain ?? [];
        return path.length > depth ? path.slice(0, depth + 1).join("/") : "(none)";
      }),
    );
  });
  levels.set(
    "host",
    levelOf("host", hosts, (host) => host.name),
  );
  return levels;
}

function levelOf(
  name: string,
  hosts: readonly HostSnapshot[],
  keyOf: (host: HostSnapshot) => string,
): DomainLevel {
  const indexes = new Map<string, number>();
  const hostsOfDomain: number[][] = [];
  const domainOfHost = Int32Array.from(hosts, (host, hostIndex) => {
    const key = keyOf(host);
    const known = indexes.get(key);
    if (known !== undefined && name !== "host") {
      hostsOfDomain[known]?.push(hostIndex);
      return known;
    }
    // Two hosts of one name are still two hosts.
    indexes.set(key, hostsOfDomain.length);
    hostsOfDomain.push([hostIndex]);
    return hostsOfDomain.length - 1;
  });
  const domainNames = hostsOfDomain.map((members) => {
    const first = hosts[members[0] ?? 0];
    return first === undefined ? "" : keyOf(first);
  });
  return { name, domainNames, domainOfHost, hostsOfDomain };
}
