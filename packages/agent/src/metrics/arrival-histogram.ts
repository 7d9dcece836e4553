/** How long VMs that moved here could not be reached, counted as it happens. */
import { Histogram, Registry } from "prom-client";

export class ArrivalHistogram {
  /** Give it to `renderMetrics`. */
  readonly registry = new Registry();

  readonly #blackout = new Histogram({
    name: "muster_agent_migration_blackout_seconds",
    help: "How long VMs that moved to this host could not be reached, in seconds: stood still, and sent nothing yet.",
    // As of the downtime: QEMU aims at 0.3 s; from a second on people notice, from ten on connections break.
    buckets: [0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10],
    registers: [this.registry],
  });

  measured(blackoutMs: number): void {
    this.#blackout.observe(blackoutMs / 1000);
  }
}
