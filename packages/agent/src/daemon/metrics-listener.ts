/** Serves the agent's /metrics: in the clear on the loopback, elsewhere to certificates of the cluster only. */
import { X509Certificate } from "node:crypto";
import {
  isLoopback,
  LoopDelay,
  METRICS_CONTENT_TYPE,
  processFamilies,
  renderMetrics,
  serveHttp,
  subjectOf,
  systemClock,
  type HttpListener,
  type HttpRoute,
  type Logger,
} from "@muster/runtime";
import type { Agent } from "../agent.ts";
import { serverIdentityOf, type HostIdentity } from "../enrolment/identity.ts";
import type { ArrivalHistogram } from "../metrics/arrival-histogram.ts";
import { agentFamilies } from "../metrics/families.ts";
import type { AgentSummary } from "../metrics/summary.ts";
import type { AgentConfig } from "./config.ts";
import { listenWhenPossible } from "./late-listener.ts";
import type { IdentityKeeper } from "./identity-keeper.ts";

export interface MetricsListener extends AsyncDisposable {
  /** What Prometheus is told to scrape. */
  readonly advertised: string;
  /** The listener starts first, so that its port is known when the agent says hello. */
  show(agent: Agent): void;
}

export async function serveMetrics(parts: {
  readonly config: AgentConfig;
  readonly identity: IdentityKeeper;
  readonly arrivals: ArrivalHistogram;
  readonly log: Logger;
}): Promise<MetricsListener> {
  const { config, identity, arrivals, log } = parts;
  const { host, port, advertise } = config.metrics;
  const delay = new LoopDelay();
  const startedAtSeconds = systemClock.wall().getTime() / 1000;
  let shown: Agent | undefined;
  const metrics: HttpRoute = async () => {
    const families = shown === undefined ? [] : agentFamilies(summaryOf(shown, identity.current));
    const all = [...families, ...processFamilies({ startedAtSeconds }), ...delay.families()];
    return {
      contentType: METRICS_CONTENT_TYPE,
      body: await renderMetrics(all, [arrivals.registry]),
    };
  };
  const open = (): Promise<HttpListener> =>
    serveHttp({
      host,
      port,
      routes: new Map<string, HttpRoute>([
        ["/metrics", metrics],
        ["/healthz", async () => ({ contentType: "text/plain; charset=utf-8", body: "ok\n" })],
      ]),
      logger: log,
      ...(isLoopback(host)
        ? {}
        : {
            tls: {
              identity: serverIdentityOf(identity.current),
              refusal: (der: Uint8Array) => refuseScraper(der, identity.current),
            },
          }),
    });
  const late = await listenWhenPossible(open, { clock: systemClock, log });
  identity.onRenewed((renewed) => {
    late.now?.useIdentity(serverIdentityOf(renewed));
  });
  return {
    // A loopback address means another machine to whoever reads it elsewhere: only a routable one is told.
    advertised:
      advertise !== "" || isLoopback(host)
        ? advertise
        : `${isAnyAddress(host) ? identity.current.hostName : host}:${String(late.now?.port ?? port)}`,
    show: (agent) => {
      shown = agent;
    },
    [Symbol.asyncDispose]: async () => {
      delay[Symbol.dispose]();
      await late[Symbol.asyncDispose]();
    },
  };
}

const isAnyAddress = (host: string): boolean => host === "0.0.0.0" || host === "::";

/** An agent does not know who was removed, but metrics and operator certificates are never given to hosts. */
function refuseScraper(der: Uint8Array, identity: HostIdentity): string | undefined {
  const certificate = new X509Certificate(der);
  const authority = new X509Certificate(identity.authority);
  if (!certificate.checkIssued(authority) || !certificate.verify(authority.publicKey)) {
    return "the certificate was issued by another authority";
  }
  const now = systemClock.wall();
  if (now > certificate.validToDate || now < certificate.validFromDate) {
    return `the certificate is valid from ${certificate.validFrom} to ${certificate.validTo}`;
  }
  const role = subjectOf(certificate)?.role;
  return role === "metrics" || role === "operator"
    ? undefined
    : "the certificate is not one for metrics";
}

function summaryOf(agent: Agent, identity: HostIdentity): AgentSummary {
  const networks = agent.networks;
  const { load } = agent.reporter;
  const expiresMs = new X509Certificate(identity.certificate).validToDate.getTime();
  return {
    ...agent.counters,
    libvirtAlive: agent.isLibvirtAlive,
    vms: agent.reporter.vms.map((observation) => ({ observation })),
    ...(load === undefined ? {} : { load }),
    connected: agent.state.name === "live",
    networks: {
      ready: networks.filter(({ state }) => state === "ready").length,
      failed: networks.filter(({ state }) => state === "failed").length,
    },
    paths: agent.paths,
    guardedNics: agent.guardedNics,
    dhcpNetworks: agent.dhcpNetworks,
    certificateSecondsLeft: (expiresMs - systemClock.wall().getTime()) / 1000,
    loops: agent.loopStatus(),
  };
}
