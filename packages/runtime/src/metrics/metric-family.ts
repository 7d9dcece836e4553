/**
 * Metrics as data: pure functions turn a summary into families, prom-client turns families into text. What counts
 * events instead, histograms for example, lives in a Registry of its own and is appended.
 */
import { Counter, Gauge, Registry } from "prom-client";

export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface MetricFamily {
  readonly name: string;
  /** One sentence. */
  readonly help: string;
  /** A counter only grows until its process, or what it counts, starts anew. */
  readonly type: "gauge" | "counter";
  readonly samples: readonly MetricSample[];
}

/** A family of one series without labels. */
export function single(
  type: MetricFamily["type"],
  name: string,
  description: { readonly help: string; readonly value: number },
): MetricFamily {
  return {
    name,
    help: description.help,
    type,
    samples: [{ labels: {}, value: description.value }],
  };
}

function register(family: MetricFamily, registry: Registry): void {
  const { name, help, samples } = family;
  const labelNames = [...new Set(samples.flatMap(({ labels }) => Object.keys(labels)))];
  const configuration = { name, help, labelNames, registers: [registry] };
  if (family.type === "gauge") {
    const gauge = new Gauge(configuration);
    for (const { labels, value } of samples) gauge.set({ ...labels }, value);
    return;
  }
  const counter = new Counter(configuration);
  for (const { labels, value } of samples) counter.inc({ ...labels }, Math.max(0, value));
}

export const METRICS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

/** Prometheus' text form. Families without samples are left out. */
export async function renderMetrics(
  families: readonly MetricFamily[],
  events: readonly Registry[] = [],
): Promise<string> {
  const registry = new Registry();
  for (const family of families) {
    if (family.samples.length > 0) register(family, registry);
  }
  const texts = await Promise.all([registry, ...events].map((part) => part.metrics()));
  return `${texts
    .map((text) => text.trim())
    .filter((text) => text !== "")
    .join("\n\n")}\n`;
}
