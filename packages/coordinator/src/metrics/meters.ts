/** What happened, counted as it happens: the state alone does not tell it any more. */
import type { MigrationStats, OperationState } from "@muster/model";
import { Counter, Histogram, Registry } from "prom-client";

export interface EndedMigration {
  readonly outcome: Extract<OperationState, "succeeded" | "failed" | "cancelled">;
  readonly durationSeconds: number;
  /** The last that was reported; absent: it never began to copy. */
  readonly stats?: MigrationStats;
}

export class CoordinatorMeters {
  /** Give it to `renderMetrics`. */
  readonly registry = new Registry();

  readonly #operations = new Counter({
    name: "muster_operations_ended_total",
    help: "Operations that ended, by type and how.",
    labelNames: ["type", "state"],
    registers: [this.registry],
  });
  readonly #migrations = new Counter({
    name: "muster_migrations_total",
    help: "Migrations that ended, by how.",
    labelNames: ["outcome"],
    registers: [this.registry],
  });
  readonly #transferred = new Counter({
    name: "muster_migration_transferred_bytes_total",
    help: "Bytes that ended migrations sent.",
    registers: [this.registry],
  });
  readonly #duration = new Histogram({
    name: "muster_migration_duration_seconds",
    help: "How long migrations took, in seconds.",
    labelNames: ["outcome"],
    // A small guest on a fast network takes a second, a large busy one an hour.
    buckets: [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600],
    registers: [this.registry],
  });
  readonly #downtime = new Histogram({
    name: "muster_migration_downtime_seconds",
    help: "How long guests were stopped at the end of successful migrations, in seconds.",
    // QEMU aims at 0.3 s; from a second on people notice, from ten on connections break.
    buckets: [0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10],
    registers: [this.registry],
  });

  operationEnded(type: string, state: OperationState): void {
    this.#operations.inc({ type, state });
  }

  migrationEnded({ outcome, durationSeconds, stats }: EndedMigration): void {
    this.#migrations.inc({ outcome });
    this.#duration.observe({ outcome }, durationSeconds);
    if (stats === undefined) return;
    this.#transferred.inc(Number(stats.processedBytes));
    if (outcome === "succeeded") this.#downtime.observe(stats.downtimeMs / 1000);
  }
}
