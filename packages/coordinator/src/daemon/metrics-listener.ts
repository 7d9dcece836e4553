/** Serves /metrics, /sd and /healthz: in the clear on the loopback, elsewhere to certificates of this cluster only. */
import {
  isLoopback,
  LoopDelay,
  METRICS_CONTENT_TYPE,
  processFamilies,
  renderMetrics,
  serveHttp,
  systemClock,
  type HttpReply,
  type HttpRoute,
  type Logger,
  type TlsIdentity,
} from "@muster/runtime";
import type { Gatekeeper } from "../api/gatekeeper.ts";
import type { Coordinator } from "../coordinator.ts";
import { coordinatorFamilies } from "../metrics/families.ts";
import { CoordinatorMeters } from "../metrics/meters.ts";
import {
  discoverAgents,
  renderServiceDiscovery,
  SERVICE_DISCOVERY_CONTENT_TYPE,
} from "../metrics/service-discovery.ts";
import type { CoordinatorConfig } from "./config.ts";
import { countEnds } from "./count-ends.ts";
import { metricsSource } from "./metrics-source.ts";

export interface MetricsListener extends AsyncDisposable {
  readonly address: string;
  useIdentity(identity: TlsIdentity): void;
}

export async function serveMetrics(parts: {
  readonly config: CoordinatorConfig;
  readonly coordinator: Coordinator;
  readonly gatekeeper: Gatekeeper;
  readonly identity: TlsIdentity;
  readonly log: Logger;
}): Promise<MetricsListener> {
  const { config, coordinator, gatekeeper, identity, log } = parts;
  const source = metricsSource(coordinator, config.capacity);
  const meters = new CoordinatorMeters();
  const stopCounting = countEnds(coordinator, meters);
  const delay = new LoopDelay();
  const startedAtSeconds = systemClock.wall().getTime() / 1000;
  const metrics: HttpRoute = async () => {
    const families = [
      ...coordinatorFamilies(source.summary()),
      ...processFamilies({ startedAtSeconds }),
      ...delay.families(),
    ];
    return {
      contentType: METRICS_CONTENT_TYPE,
      body: await renderMetrics(families, [meters.registry]),
    };
  };
  const listener = await serveHttp({
    ...config.metrics,
    routes: new Map<string, HttpRoute>([
      ["/metrics", metrics],
      ["/sd", async () => serviceDiscovery(coordinator)],
      ["/healthz", async () => ({ contentType: "text/plain; charset=utf-8", body: "ok\n" })],
    ]),
    logger: log,
    ...(isLoopback(config.metrics.host)
      ? {}
      : { tls: { identity, refusal: (der: Uint8Array) => gatekeeper.refuseScraper(der) } }),
  });
  return {
    address: listener.address,
    useIdentity: (renewed) => {
      listener.useIdentity(renewed);
    },
    [Symbol.asyncDispose]: async () => {
      stopCounting();
      delay[Symbol.dispose]();
      await listener.close();
    },
  };
}

function serviceDiscovery({ ledger, observations }: Coordinator): HttpReply {
  const agents = [...ledger.view.hosts.values()].map((host) => ({
    host: host.name,
    hostId: host.id,
    metricsAddress: observations.get(host.id)?.metricsAddress ?? "",
  }));
  const groups = discoverAgents(agents, ledger.view.cluster.id);
  return { contentType: SERVICE_DISCOVERY_CONTENT_TYPE, body: renderServiceDiscovery(groups) };
}
