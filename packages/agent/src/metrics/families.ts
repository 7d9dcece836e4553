/** Summary in, metric families out. PURE. */
import { single, type MetricFamily } from "@muster/runtime";
import { domainFamilies } from "./domain-families.ts";
import type { AgentSummary } from "./summary.ts";

function gauge(name: string, help: string, value: number): MetricFamily {
  return single("gauge", `muster_agent_${name}`, { help, value });
}

function counter(name: string, help: string, value: number): MetricFamily {
  return single("counter", `muster_agent_${name}`, { help, value });
}

function loadFamilies({ load }: AgentSummary): MetricFamily[] {
  if (load === undefined) return [];
  return [
    gauge("host_load1", "One-minute load average of the host.", load.load1m),
    gauge(
      "host_memory_available_bytes",
      "Memory the host could still give, in bytes.",
      Number(load.memoryAvailableBytes),
    ),
    gauge("host_cpu_used_ratio", "Share of the host's CPU time in use, 0 to 1.", load.cpuUsedRatio),
  ];
}

function loopFamilies({ loops }: AgentSummary): MetricFamily[] {
  const family = (name: string, help: string, values: readonly number[]): MetricFamily => ({
    name: `muster_agent_loop_${name}`,
    help,
    type: "counter",
    samples: loops.map((loop, index) => ({
      labels: { loop: loop.name },
      value: values[index] ?? 0,
    })),
  });
  return [
    family(
      "passes_total",
      "Passes of a loop.",
      loops.map(({ passes }) => passes),
    ),
    family(
      "failures_total",
      "Passes of a loop that failed.",
      loops.map(({ failures }) => failures),
    ),
  ];
}

function networkFamilies(summary: AgentSummary): MetricFamily[] {
  const { networks } = summary;
  return [
    {
      name: "muster_agent_networks",
      help: "Networks this host should have, by how far it is.",
      type: "gauge",
      samples: [
        { labels: { state: "ready" }, value: networks.ready },
        { labels: { state: "failed" }, value: networks.failed },
      ],
    },
    {
      name: "muster_agent_dhcp_networks",
      help: "Networks whose VMs get their addresses from this host by DHCP; failed: they do not now.",
      type: "gauge",
      samples: [
        { labels: { state: "served" }, value: summary.dhcpNetworks.served },
        { labels: { state: "failed" }, value: summary.dhcpNetworks.failed },
      ],
    },
    {
      name: "muster_agent_guarded_nics",
      help: "NICs of guests that may not forge addresses; failed: the host does not enforce it now.",
      type: "gauge",
      samples: [
        { labels: { state: "kept" }, value: summary.guardedNics.kept },
        { labels: { state: "failed" }, value: summary.guardedNics.failed },
      ],
    },
    {
      name: "muster_agent_network_paths",
      help: "Paths to other hosts that are probed, by network; bad: frames are lost, or large ones are.",
      type: "gauge",
      samples: summary.paths.flatMap(({ network, good, bad }) => [
        { labels: { network, state: "good" }, value: good },
        { labels: { network, state: "bad" }, value: bad },
      ]),
    },
  ];
}

function imageFamilies({ images }: AgentSummary): MetricFamily[] {
  if (images === undefined) return [];
  const { peer, repository } = images.fetchedBytes;
  return [
    gauge("images", "Images in the cache.", images.count),
    gauge("images_bytes", "Bytes of the images in the cache.", Number(images.usedBytes)),
    counter("image_hits_total", "Images that were wanted and in the cache.", images.hits),
    counter("image_misses_total", "Images that had to be fetched.", images.misses),
    counter(
      "image_evictions_total",
      "Images that left the cache for want of room or use.",
      images.evictions,
    ),
    {
      name: "muster_agent_image_fetched_bytes_total",
      help: "Bytes of images fetched, by where from.",
      type: "counter",
      samples: [
        { labels: { from: "peer" }, value: peer },
        { labels: { from: "repository" }, value: repository },
      ],
    },
    counter(
      "image_served_bytes_total",
      "Bytes of images given to other hosts.",
      images.servedBytes,
    ),
  ];
}

export function agentFamilies(summary: AgentSummary): MetricFamily[] {
  const { version, reportsSent, commandsEnded, certificateSecondsLeft } = summary;
  return [
    ...domainFamilies(summary),
    {
      name: "muster_agent_build_info",
      help: "1, with the version of the agent.",
      type: "gauge",
      samples: [{ labels: { version }, value: 1 }],
    },
    gauge(
      "connected",
      "1 while a session with the coordinator is open.",
      summary.connected ? 1 : 0,
    ),
    counter("sessions_total", "Sessions opened.", summary.sessions),
    counter("messages_received_total", "Messages from the coordinator.", summary.messagesReceived),
    {
      name: "muster_agent_reports_sent_total",
      help: "Reports to the coordinator, by kind.",
      type: "counter",
      samples: [
        { labels: { kind: "full" }, value: reportsSent.full },
        { labels: { kind: "delta" }, value: reportsSent.delta },
      ],
    },
    gauge("commands_running", "Commands being carried out.", summary.commandsRunning),
    {
      name: "muster_agent_commands_total",
      help: "Commands that ended, by kind and how.",
      type: "counter",
      samples: commandsEnded.map(({ kind, outcome, count }) => ({
        labels: { kind, outcome },
        value: count,
      })),
    },
    gauge("journal_entries", "Commands in the journal.", summary.journalEntries),
    ...networkFamilies(summary),
    ...(certificateSecondsLeft === undefined
      ? []
      : [
          gauge(
            "certificate_expires_seconds",
            "Seconds until the host's certificate runs out.",
            certificateSecondsLeft,
          ),
        ]),
    ...imageFamilies(summary),
    ...loadFamilies(summary),
    ...loopFamilies(summary),
  ];
}
