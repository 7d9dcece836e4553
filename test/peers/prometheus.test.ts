/** Prometheus judges our metrics, rules and example configuration. */
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { renderMetrics, METRICS_CONTENT_TYPE, LoopDelay, processFamilies } from "@muster/runtime";
import { parse } from "yaml";
import { describe, expect, it } from "vitest";
import { agentFamilies } from "../../packages/agent/src/metrics/families.ts";
import { anAgentSummary } from "../../packages/agent/src/metrics/testing/a-summary.ts";
import { coordinatorFamilies } from "../../packages/coordinator/src/metrics/families.ts";
import { CoordinatorMeters } from "../../packages/coordinator/src/metrics/meters.ts";
import {
  discoverAgents,
  renderServiceDiscovery,
  SERVICE_DISCOVERY_CONTENT_TYPE,
} from "../../packages/coordinator/src/metrics/service-discovery.ts";
import {
  aCoordinatorSummary,
  someStats,
} from "../../packages/coordinator/src/metrics/testing/a-summary.ts";
import { startPrometheus } from "./real-prometheus.ts";
import { ask, isInstalled, root } from "./tools.ts";

const prometheusDirectory = join(root, "deploy/prometheus");

async function coordinatorText(): Promise<string> {
  using delayMeter = new LoopDelay();
  const meters = new CoordinatorMeters();
  meters.operationEnded("vm-create", "failed");
  meters.migrationEnded({ outcome: "succeeded", durationSeconds: 30, stats: someStats });
  return renderMetrics(
    [
      ...coordinatorFamilies(aCoordinatorSummary()),
      ...processFamilies({ startedAtSeconds: 1 }),
      ...delayMeter.families(),
    ],
    [meters.registry],
  );
}

const agentText = (): Promise<string> =>
  renderMetrics([...agentFamilies(anAgentSummary()), ...processFamilies({ startedAtSeconds: 1 })]);

describe.skipIf(!isInstalled("promtool"))("promtool", () => {
  it.each([
    ["coordinator", coordinatorText],
    ["agent", agentText],
  ])("finds nothing wrong with the metrics of the %s", async (_name, text) => {
    expect(ask("promtool", ["check", "metrics"], await text())).toStrictEqual({
      exitCode: 0,
      text: "",
    });
  });

  it("accepts the alerts", () => {
    const file = join(prometheusDirectory, "alerts.yml");
    const verdict = ask("promtool", ["check", "rules", file]);
    // promtool counts the rules that it understood: all that are written there.
    const written = readFileSync(file, "utf8").match(/^\s*- alert:/gm)?.length ?? 0;
    expect(written).toBeGreaterThan(0);
    expect(verdict.text).toContain(`SUCCESS: ${String(written)} rules found`);
    expect(verdict.exitCode).toBe(0);
  });

  it("sees the alerts fire when they should", () => {
    const path = join(prometheusDirectory, "alerts.test.yml");
    const verdict = ask("promtool", ["test", "rules", path]);
    expect(verdict.exitCode, verdict.text).toBe(0);
  });

  it("accepts the example configuration", () => {
    const path = join(prometheusDirectory, "prometheus.example.yml");
    const verdict = ask("promtool", ["check", "config", path]);
    expect(verdict.exitCode, verdict.text).toBe(0);
  });
});

describe("the alerts", () => {
  it("use series that exist", async () => {
    const text = `${await coordinatorText()}\n${await agentText()}`;
    const served = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1] ?? ""));
    const rules = readFileSync(join(prometheusDirectory, "alerts.yml"), "utf8");
    const used = [...rules.matchAll(/\b(muster|libvirt|nodejs|process)_[a-z0-9_]+/g)].map(
      ([name]) => name,
    );
    expect(used.length).toBeGreaterThan(8);
    expect(used.filter((name) => !served.has(name))).toStrictEqual([]);
  });
});

/** Serves what a coordinator and one agent would, on one port of this machine. */
async function serveSamples(): Promise<{ readonly server: Server; readonly address: string }> {
  const [coordinator, agent] = [await coordinatorText(), await agentText()];
  const server = createServer((request, response) => {
    const address = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    if (request.url === "/sd") {
      const groups = discoverAgents([{ host: "h1", hostId: "id1", metricsAddress: address }], "c1");
      response.setHeader("content-type", SERVICE_DISCOVERY_CONTENT_TYPE);
      response.end(renderServiceDiscovery(groups));
      return;
    }
    response.setHeader("content-type", METRICS_CONTENT_TYPE);
    response.end(request.url === "/agent" ? agent : coordinator);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, address: `127.0.0.1:${String((server.address() as AddressInfo).port)}` };
}

interface ExampleConfig {
  readonly scrape_configs: readonly {
    readonly job_name: string;
    readonly static_configs?: unknown;
    readonly http_sd_configs?: unknown;
    readonly relabel_configs?: unknown;
  }[];
}

/** The example, pointed at the samples and hurried up. */
function hurried(address: string): object {
  const text = readFileSync(join(prometheusDirectory, "prometheus.example.yml"), "utf8");
  const example = parse(text) as ExampleConfig;
  return {
    global: { scrape_interval: "1s", evaluation_interval: "1s" },
    rule_files: [join(prometheusDirectory, "alerts.yml")],
    scrape_configs: example.scrape_configs.map((job) => ({
      ...job,
      ...(job.static_configs === undefined
        ? {
            metrics_path: "/agent",
            http_sd_configs: [{ url: `http://${address}/sd`, refresh_interval: "1s" }],
          }
        : { static_configs: [{ targets: [address] }] }),
    })),
  };
}

describe.skipIf(!isInstalled("prometheus"))("a real Prometheus", () => {
  it("scrapes the coordinator, finds the agents and evaluates the alerts", async () => {
    const { server, address } = await serveSamples();
    try {
      await using prometheus = await startPrometheus(hurried(address));
      await prometheus.eventually("muster_hosts", '"state":"online"');
      const running = 'libvirt_domain_info_vstate{instance="h1"}';
      await prometheus.eventually(running, '"domain":"web-1"');
      // One host of the samples never connected: its alert waits for its two minutes.
      await prometheus.eventually('ALERTS{alertname="MusterHostSilent"}', '"host":"h2"');
    } finally {
      server.close();
    }
  });
});
