/**
 * The document Prometheus' http_sd_configs asks for: every agent that serves metrics, connected or not, so that a
 * host that is gone shows as down instead of disappearing. PURE.
 */

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

/** Labels that begin with __meta_ end with relabelling: deploy/prometheus shows how to use them. */
export function discoverAgents(
  agents: readonly DiscoveredAgent[],
  clusterId: string,
): readonly DiscoveredGroup[] {
  return agents
    .filter(({ metricsAddress }) => metricsAddress !== "")
    .map(({ host, hostId, metricsAddress }) => ({
      targets: [metricsAddress],
      labels: {
        __meta_muster_host: host,
        __meta_muster_host_id: hostId,
        __meta_muster_cluster_id: clusterId,
      },
    }));
}

export const renderServiceDiscovery = (groups: readonly DiscoveredGroup[]): string =>
  `${JSON.stringify(groups, undefined, 2)}\n`;
