/**
 * The process itself, with the names every Prometheus client uses. prom-client's own collector is not used: it
 * has gauges whose names end in _total, and costs a timer a hundred times a second.
 */
import { readdirSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { single, type MetricFamily } from "./metric-family.ts";

/** Unix time in seconds. */
export function processFamilies(parts: { readonly startedAtSeconds: number }): MetricFamily[] {
  const cpu = process.cpuUsage();
  const memory = process.memoryUsage();
  return [
    single("counter", "process_cpu_user_seconds_total", {
      help: "CPU time spent in the program, in seconds.",
      value: cpu.user / 1e6,
    }),
    single("counter", "process_cpu_system_seconds_total", {
      help: "CPU time spent in the kernel for the program, in seconds.",
      value: cpu.system / 1e6,
    }),
    single("counter", "process_cpu_seconds_total", {
      help: "CPU time, in seconds.",
      value: (cpu.user + cpu.system) / 1e6,
    }),
    single("gauge", "process_resident_memory_bytes", {
      help: "Resident memory in bytes.",
      value: memory.rss,
    }),
    single("gauge", "nodejs_heap_size_used_bytes", {
      help: "JavaScript heap in use, in bytes.",
      value: memory.heapUsed,
    }),
    single("gauge", "nodejs_heap_size_total_bytes", {
      help: "JavaScript heap reserved, in bytes.",
      value: memory.heapTotal,
    }),
    single("gauge", "nodejs_external_memory_bytes", {
      help: "Memory of objects outside the JavaScript heap, in bytes.",
      value: memory.external,
    }),
    single("gauge", "process_start_time_seconds", {
      help: "When the process started, Unix time in seconds.",
      value: parts.startedAtSeconds,
    }),
    ...openFiles(),
  ];
}

function openFiles(): MetricFamily[] {
  const help = "Open file descriptors.";
  try {
    const value = readdirSync("/proc/self/fd").length;
    return [single("gauge", "process_open_fds", { help, value })];
  } catch (error) {
    // No /proc: the series is missing, which says so.
    if (error instanceof Error && "code" in error) return [];
    throw error;
  }
}

/** Time between two looks. Shorter sees shorter delays, and wakes the process more often for nothing. */
const RESOLUTION_MS = 20;

/** Measures how late the event loop is. Create one per process, and close it. */
export class LoopDelay implements Disposable {
  readonly #histogram: ReturnType<typeof monitorEventLoopDelay>;

  constructor() {
    this.#histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#histogram.enable();
  }

  /** Since the last call: a scrape sees what happened since the scrape before it. */
  families(): MetricFamily[] {
    // Node records the whole time between two looks, so what it was meant to be goes off.
    const seconds = (nanoseconds: number): number =>
      Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1e3) : 0;
    const lag = this.#histogram;
    const values: readonly (readonly [string, number])[] = [
      ["mean", lag.mean],
      ["p50", lag.percentile(50)],
      ["p99", lag.percentile(99)],
      ["max", lag.max],
    ];
    const families = values.map(([name, nanoseconds]) =>
      single("gauge", `nodejs_eventloop_lag_${name}_seconds`, {
        help: `How late the event loop was since the last scrape, ${name}, in seconds.`,
        value: lag.count === 0 ? 0 : seconds(nanoseconds),
      }),
    );
    lag.reset();
    return families;
  }

  [Symbol.dispose](): void {
    this.#histogram.disable();
  }
}
