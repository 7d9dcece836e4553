/** Summary in, metric families out. PURE. */
import type { ContextState, HostState } from "@muster/model";
import { single, type MetricFamily, type MetricSample } from "@muster/runtime";
import type { CoordinatorSummary, HostSummary, MigrationSummary } from "./summary.ts";

const hostStates: readonly HostState[] = ["joining", "online", "unknown", "lost"];
/** Shown as 0 when there are none, so that alerts and graphs have a series from the start. */
const vmStates = [
  "creating",
  "stopped",
  "running",
  "paused",
  "stopping",
  "migrating",
  "crashed",
  "unknown",
  "missing",
  "deleting",
] as const;

const oneIf = (condition: boolean): number => (condition ? 1 : 0);

function perHost(
  name: string,
  help: string,
  {
    hosts,
    value,
  }: {
    readonly hosts: readonly HostSummary[];
    readonly value: (host: HostSummary) => number | undefined;
  },
): MetricFamily {
  const samples = hosts.flatMap((host): MetricSample[] => {
    const measured = value(host);
    return measured === undefined ? [] : [{ labels: { host: host.name }, value: measured }];
  });
  return { name, help, type: name.endsWith("_total") ? "counter" : "gauge", samples };
}

function hostFamilies(hosts: readonly HostSummary[]): MetricFamily[] {
  const family = (
    name: string,
    help: string,
    value: (host: HostSummary) => number | undefined,
  ): MetricFamily => perHost(`muster_host_${name}`, help, { hosts, value });
  return [
    {
      name: "muster_hosts",
      help: "Hosts by state.",
      type: "gauge",
      samples: hostStates.map((state) => ({
        labels: { state },
        value: hosts.filter((host) => host.state === state).length,
      })),
    },
    family("cordoned", "1 while the host takes no new VMs.", (host) => oneIf(host.cordoned)),
    family("capacity_cpus", "Virtual CPUs that may be placed.", (host) => host.capacityCpus),
    family("claimed_cpus", "Virtual CPUs claimed.", (host) => host.claimedCpus),
    family("used_cpus", "CPUs in use, as measured.", (host) => host.used?.cpus),
    family("capacity_memory_bytes", "Memory that may be placed, in bytes.", (host) =>
      Number(host.capacityMemoryBytes),
    ),
    family("claimed_memory_bytes", "Memory claimed, in bytes.", (host) =>
      Number(host.claimedMemoryBytes),
    ),
    family("used_memory_bytes", "Memory in use, as measured, in bytes.", (host) =>
      host.used === undefined ? undefined : Number(host.used.memoryBytes),
    ),
    family("vms", "VMs placed on the host.", (host) => host.vms),
    family("lost", "1 while the host is lost.", (host) => oneIf(host.state === "lost")),
    family(
      "watchdog_seconds",
      "Timeout of the host's armed watchdog; 0: none is armed.",
      (host) => host.watchdogTimeoutMs / 1_000,
    ),
    family("wild_vms", "Domains on the host that muster does not manage.", (host) => host.wildVms),
  ];
}

function sessionFamilies(hosts: readonly HostSummary[]): MetricFamily[] {
  const family = (
    name: string,
    help: string,
    value: (host: HostSummary) => number | undefined,
  ): MetricFamily => perHost(`muster_session_${name}`, help, { hosts, value });
  return [
    family("connected", "1 while the host's agent is connected.", ({ session }) =>
      oneIf(session.connected),
    ),
    family("libvirt_alive", "1 while the host's libvirt answers its agent.", ({ session }) =>
      oneIf(session.connected && session.libvirtAlive),
    ),
    family(
      "last_heard_seconds",
      "Seconds since the agent was last heard.",
      ({ session }) => session.lastHeardSeconds,
    ),
    family(
      "messages_received_total",
      "Messages from the agent.",
      ({ session }) => session.messagesReceived,
    ),
    family("messages_sent_total", "Messages to the agent.", ({ session }) => session.messagesSent),
    family("opened_total", "Sessions the agent opened.", ({ session }) => session.sessions),
  ];
}

function migrationFamilies(migrations: readonly MigrationSummary[]): MetricFamily[] {
  const family = (
    name: string,
    help: string,
    value: (stats: NonNullable<MigrationSummary["stats"]>) => number,
  ): MetricFamily => ({
    name: `muster_migration_${name}`,
    help,
    type: "gauge",
    samples: migrations.flatMap(({ vm, source, target, stats }) =>
      stats === undefined ? [] : [{ labels: { vm, source, target }, value: value(stats) }],
    ),
  });
  return [
    single("gauge", "muster_migrations_in_progress", {
      help: "Migrations under way.",
      value: migrations.length,
    }),
    family("processed_bytes", "Bytes a running migration has sent.", (stats) =>
      Number(stats.processedBytes),
    ),
    family(
      "remaining_bytes",
      "Bytes a running migration has left; grows with dirty pages.",
      (stats) => Number(stats.remainingBytes),
    ),
    family("size_bytes", "Bytes of a running migration in all.", (stats) =>
      Number(stats.totalBytes),
    ),
    family("bytes_per_second", "Rate of a running migration.", (stats) =>
      Number(stats.bytesPerSecond),
    ),
    family("dirty_bytes_per_second", "Rate at which the guest dirties memory.", (stats) =>
      Number(stats.dirtyBytesPerSecond),
    ),
    family("iteration", "Passes over memory of a running migration.", (stats) => stats.iteration),
  ];
}

function reconcilerFamilies({ reconcilers }: CoordinatorSummary): MetricFamily[] {
  const family = (
    type: MetricFamily["type"],
    name: string,
    described: { readonly help: string; readonly values: readonly number[] },
  ): MetricFamily => ({
    name: `muster_reconciler_${name}`,
    help: described.help,
    type,
    samples: reconcilers.map((reconciler, index) => ({
      labels: { reconciler: reconciler.name },
      value: described.values[index] ?? 0,
    })),
  });
  return [
    family("counter", "passes_total", {
      help: "Passes of a reconciler.",
      values: reconcilers.map(({ passes }) => passes),
    }),
    family("counter", "failures_total", {
      help: "Passes of a reconciler that failed.",
      values: reconcilers.map(({ failures }) => failures),
    }),
    family("gauge", "last_duration_seconds", {
      help: "How long a reconciler's last pass took, in seconds.",
      values: reconcilers.map(({ lastDurationMs }) => lastDurationMs / 1000),
    }),
  ];
}

function planFamilies({ plans, rebalance }: CoordinatorSummary): MetricFamily[] {
  const gauge = (name: string, help: string, value: number | undefined): MetricFamily => ({
    name: `muster_rebalance_${name}`,
    help,
    type: "gauge",
    samples: value === undefined ? [] : [{ labels: {}, value }],
  });
  return [
    {
      name: "muster_plans",
      help: "Kept plans by kind and state.",
      type: "gauge",
      samples: plans.map(({ kind, state, count }) => ({ labels: { kind, state }, value: count })),
    },
    {
      name: "muster_rebalance_automation",
      help: "1, with what rebalancing may do: off, shadow, manual, partial or full.",
      type: "gauge",
      samples: [{ labels: { automation: rebalance.automation }, value: 1 }],
    },
    gauge("score", "How uneven the hosts were at the last look; lower is better.", rebalance.score),
    gauge(
      "score_possible",
      "What the score would be after the best plan found.",
      rebalance.scorePossible,
    ),
    gauge("moves_possible", "Moves of the best plan found.", rebalance.movesPossible),
    gauge("moves_last_day", "Migrations in the last 24 hours.", rebalance.movesLastDay),
  ];
}

function haFamilies({ ha }: CoordinatorSummary): MetricFamily[] {
  const gauge = (name: string, help: string, value: number): MetricFamily =>
    single("gauge", `muster_ha_${name}`, { help, value });
  return [
    gauge("armed", "1 while hosts are fenced and VMs restarted; 0: disarmed.", oneIf(ha.isArmed)),
    gauge(
      "brake",
      "1 while nobody is fenced because too many hosts are missing.",
      oneIf(ha.isBraked),
    ),
    gauge("vms", "VMs that the cluster restarts.", ha.vms),
    gauge("vms_in_error", "VMs that were restarted too often and are left alone.", ha.vmsInError),
  ];
}

function vmFamily({ vmsByState }: CoordinatorSummary): MetricFamily {
  const states = new Set<string>([...vmStates, ...vmsByState.keys()]);
  const samples = [...states].map((state) => ({
    labels: { state },
    value: vmsByState.get(state) ?? 0,
  }));
  return { name: "muster_vms", help: "VMs by state.", type: "gauge", samples };
}

const firstBootStates: readonly ContextState[] = [
  "waiting",
  "configuring",
  "configured",
  "failed",
  "timed-out",
];

const firstBootFamily = ({ firstBoots }: CoordinatorSummary): MetricFamily => ({
  name: "muster_first_boots",
  help: "VMs whose guests were told about themselves, by how far their first boot is.",
  type: "gauge",
  samples: firstBootStates.map((state) => ({
    labels: { state },
    value: firstBoots.get(state) ?? 0,
  })),
});

function networkFamilies(summary: CoordinatorSummary): MetricFamily[] {
  const { networks, unusableNetworks, macClashes } = summary;
  return [
    {
      name: "muster_network_hosts",
      help: "Hosts by network and how far they are with it.",
      type: "gauge",
      samples: networks.flatMap(({ name, ready, failed }) => [
        { labels: { network: name, state: "ready" }, value: ready },
        { labels: { network: name, state: "failed" }, value: failed },
      ]),
    },
    {
      name: "muster_network_unusable",
      help: "1 for a network that VMs cannot use on a host that is online and should have it.",
      type: "gauge",
      samples: unusableNetworks.map(({ network, host }) => ({
        labels: { network, host },
        value: 1,
      })),
    },
    single("gauge", "muster_mac_clashes", {
      help: "MAC addresses that more than one VM has, wild VMs too.",
      value: macClashes,
    }),
  ];
}

/** Shown as 0 when there are none. */
const clusterStates = ["active", "partly active", "shut off", "broken"];

function virtualClusterFamilies({ virtualClusters }: CoordinatorSummary): MetricFamily[] {
  const states = new Set([...clusterStates, ...virtualClusters.map(({ state }) => state)]);
  return [
    {
      name: "muster_virtual_clusters",
      help: "Virtual clusters by state.",
      type: "gauge",
      samples: [...states].map((state) => ({
        labels: { state },
        value: virtualClusters.filter((cluster) => cluster.state === state).length,
      })),
    },
    {
      name: "muster_virtual_cluster_lease_seconds",
      help: "Seconds until the lease of a virtual cluster ends; then it is shut down and cleaned.",
      type: "gauge",
      samples: virtualClusters.flatMap(({ name, leaseSeconds }) =>
        leaseSeconds === undefined ? [] : [{ labels: { cluster: name }, value: leaseSeconds }],
      ),
    },
  ];
}

export function coordinatorFamilies(summary: CoordinatorSummary): MetricFamily[] {
  const { version, clusterId, hosts, operations, migrations } = summary;
  return [
    {
      name: "muster_build_info",
      help: "1, with the version of the coordinator and the cluster's id.",
      type: "gauge",
      samples: [{ labels: { version, cluster_id: clusterId }, value: 1 }],
    },
    ...hostFamilies(hosts),
    ...sessionFamilies(hosts),
    vmFamily(summary),
    firstBootFamily(summary),
    ...haFamilies(summary),
    ...networkFamilies(summary),
    ...virtualClusterFamilies(summary),
    {
      name: "muster_operations",
      help: "Operations that are kept, by type and state.",
      type: "gauge",
      samples: operations.map(({ type, state, count }) => ({
        labels: { type, state },
        value: count,
      })),
    },
    {
      name: "muster_operations_stuck",
      help: "Operations in which nothing has moved for a quarter of an hour, by type and step.",
      type: "gauge",
      samples: summary.stuck.map(({ type, step, count }) => ({
        labels: { type, step },
        value: count,
      })),
    },
    {
      name: "muster_operations_queued",
      help: "Operations that wait until a host, a storage or a link has room for them.",
      type: "gauge",
      samples: [{ labels: {}, value: summary.queued }],
    },
    ...migrationFamilies(migrations),
    ...planFamilies(summary),
    ...reconcilerFamilies(summary),
  ];
}
