import { describe, expect, it } from "vitest";
import { renderMetrics, single } from "./metric-family.ts";
import { LoopDelay, processFamilies } from "./process-metrics.ts";

describe("metrics", () => {
  it("become Prometheus' text", async () => {
    const text = await renderMetrics([
      single("gauge", "muster_one", { help: "One.", value: 1 }),
      { name: "muster_none", help: "None.", type: "gauge", samples: [] },
      {
        name: "muster_many_total",
        help: "Many.",
        type: "counter",
        samples: [
          { labels: { a: "x" }, value: 2 },
          { labels: { a: "y" }, value: 3 },
        ],
      },
    ]);
    expect(text).toBe(
      [
        "# HELP muster_one One.",
        "# TYPE muster_one gauge",
        "muster_one 1",
        "",
        "# HELP muster_many_total Many.",
        "# TYPE muster_many_total counter",
        'muster_many_total{a="x"} 2',
        'muster_many_total{a="y"} 3',
        "",
      ].join("\n"),
    );
  });

  it("of the process have the usual names", async () => {
    using delay = new LoopDelay();
    const text = await renderMetrics([
      ...processFamilies({ startedAtSeconds: 1000 }),
      ...delay.families(),
    ]);
    expect(text).toMatch(/^process_resident_memory_bytes \d{7,}/m);
    expect(text).toMatch(/^process_cpu_seconds_total \d/m);
    expect(text).toMatch(/^process_start_time_seconds 1000$/m);
    expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds \d/m);
  });
});
