import { renderMetrics } from "@muster/runtime";
import { describe, expect, it } from "vitest";
import { coordinatorFamilies } from "./families.ts";
import { CoordinatorMeters } from "./meters.ts";
import { discoverAgents, renderServiceDiscovery } from "./service-discovery.ts";
import { aCoordinatorSummary, someStats } from "./testing/a-summary.ts";

async function lines(): Promise<string[]> {
  return (await renderMetrics(coordinatorFamilies(aCoordinatorSummary()))).split("\n");
}

describe("the coordinator's metrics", () => {
  it("show hosts, capacity, claims and use", async () => {
    const text = await lines();
    expect(text).toContain('muster_hosts{state="online"} 1');
    expect(text).toContain('muster_hosts{state="unknown"} 0');
    expect(text).toContain('muster_host_capacity_memory_bytes{host="h1"} 68719476736');
    expect(text).toContain('muster_host_claimed_cpus{host="h1"} 4');
    expect(text).toContain('muster_host_used_cpus{host="h1"} 1.5');
    expect(text.some((line) => line.startsWith('muster_host_used_cpus{host="h2"}'))).toBe(false);
  });

  it("show sessions", async () => {
    const text = await lines();
    expect(text).toContain('muster_session_connected{host="h1"} 1');
    expect(text).toContain('muster_session_connected{host="h2"} 0');
    expect(text).toContain('muster_session_last_heard_seconds{host="h1"} 0.8');
    expect(text).toContain('muster_session_messages_received_total{host="h1"} 120');
  });

  it("show every state of VMs, also those that none is in", async () => {
    const text = await lines();
    expect(text).toContain('muster_vms{state="running"} 2');
    expect(text).toContain('muster_vms{state="crashed"} 0');
  });

  it("show networks that are unusable on a host, and MACs that clash", async () => {
    const text = await lines();
    expect(text).toContain('muster_network_hosts{network="blue",state="ready"} 1');
    expect(text).toContain('muster_network_unusable{network="blue",host="h2"} 1');
    expect(text).toContain("muster_mac_clashes 1");
  });

  it("show virtual clusters, and what is left of their leases", async () => {
    const text = await lines();
    expect(text).toContain('muster_virtual_clusters{state="active"} 1');
    expect(text).toContain('muster_virtual_clusters{state="broken"} 0');
    expect(text).toContain('muster_virtual_cluster_lease_seconds{cluster="pc-171"} 3600');
  });

  it("show migrations under way, and of those that began what they report", async () => {
    const text = await lines();
    expect(text).toContain("muster_migrations_in_progress 2");
    expect(text).toContain(
      'muster_migration_remaining_bytes{vm="web-1",source="h1",target="h2"} 1073741824',
    );
    expect(text.some((line) => line.includes("web-2"))).toBe(false);
  });

  it("show operations and reconcilers", async () => {
    const text = await lines();
    expect(text).toContain('muster_operations{type="vm-migrate",state="running"} 1');
    expect(text).toContain('muster_operations_stuck{type="vm-migrate",step="move"} 1');
    expect(text).toContain("muster_operations_queued 3");
    expect(text).toContain('muster_reconciler_passes_total{reconciler="host-liveness"} 10');
    expect(text).toContain(
      'muster_reconciler_last_duration_seconds{reconciler="host-liveness"} 0.003',
    );
  });

  it("count what ended", async () => {
    const meters = new CoordinatorMeters();
    meters.operationEnded("vm-migrate", "succeeded");
    meters.migrationEnded({ outcome: "succeeded", durationSeconds: 40, stats: someStats });
    meters.migrationEnded({ outcome: "failed", durationSeconds: 1 });
    const text = (await renderMetrics([], [meters.registry])).split("\n");
    expect(text).toContain('muster_operations_ended_total{type="vm-migrate",state="succeeded"} 1');
    expect(text).toContain('muster_migrations_total{outcome="failed"} 1');
    expect(text).toContain("muster_migration_transferred_bytes_total 3221225472");
    expect(text).toContain('muster_migration_downtime_seconds_bucket{le="0.2"} 1');
    expect(text).toContain("muster_migration_downtime_seconds_count 1");
  });
});

describe("service discovery", () => {
  it("names every agent that serves metrics", () => {
    const agents = [
      { host: "h1", hostId: "id1", metricsAddress: "127.0.0.1:9177" },
      { host: "h2", hostId: "id2", metricsAddress: "" },
      { host: "h3", hostId: "id3", metricsAddress: "[fd00::3]:9177" },
    ];
    const groups = discoverAgents(agents, "c1");
    expect(groups).toStrictEqual([
      {
        targets: ["127.0.0.1:9177"],
        labels: {
          __scheme__: "http",
          __meta_muster_host: "h1",
          __meta_muster_host_id: "id1",
          __meta_muster_port: "9177",
          __meta_muster_cluster_id: "c1",
        },
      },
      {
        targets: ["[fd00::3]:9177"],
        labels: {
          __scheme__: "https",
          __meta_muster_host: "h3",
          __meta_muster_host_id: "id3",
          __meta_muster_port: "9177",
          __meta_muster_cluster_id: "c1",
        },
      },
    ]);
    expect(JSON.parse(renderServiceDiscovery(groups))).toStrictEqual(groups);
    expect(renderServiceDiscovery([])).toBe("[]\n");
  });
});
