/**
 * The document Prometheus' http_sd_configs asks for: every agent that serves metrics, connected or not, so that a
 * host that is gone shows as down instead of disappearing. PURE.
 */

import { isLoopback } from "@muster/runtime";

export interface DiscoveredAgent {
  /** Name of the host. */
  readonly host: string;
  readonly hostId: string;
  /** "192.0.2.11:9177"; empty: it serves none. */
  readonly metricsAddress: string;
}

export interface DiscoveredGroup {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

export const SERVICE_DISCOVERY_CONTENT_TYPE = "application/json; charset=utf-8";

/** "[fd00::1]:9177" has port "9177" and host "fd00::1". */
function splitAddress(address: string): { readonly host: string; readonly port: string } {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  return { host, port: address.slice(colon + 1) };
}

/**
 * Labels that begin with __meta_ end with relabelling: deploy/prometheus shows how to use them. Beyond the loopback
 * agents serve TLS only, with certificates made out to the host's name.
 */
export function discoverAgents(
  agents: readonly DiscoveredAgent[],
  clusterId: string,
): readonly DiscoveredGroup[] {
  return agents
    .filter(({ metricsAddress }) => metricsAddress !== "")
    .map(({ host, hostId, metricsAddress }) => {
      const served = splitAddress(metricsAddress);
      return {
        targets: [metricsAddress],
        labels: {
          __scheme__: isLoopback(served.host) ? "http" : "https",
          __meta_muster_host: host,
          __meta_muster_host_id: hostId,
          __meta_muster_port: served.port,
          __meta_muster_cluster_id: clusterId,
        },
      };
    });
}

export const renderServiceDiscovery = (groups: readonly DiscoveredGroup[]): string =>
  `${JSON.stringify(groups, undefined, 2)}\n`;
