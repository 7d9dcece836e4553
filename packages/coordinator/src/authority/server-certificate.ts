/** Keeps the coordinator's own certificate fresh while it runs. */
import { X509Certificate } from "node:crypto";
import type { Clock, Logger, TlsIdentity } from "@muster/runtime";
import { renewalDueAt } from "@muster/runtime";

/** Waking this often also covers clocks that jump and timers that cannot sleep for a month. */
const CHECK_PERIOD_MS = 3_600_000;

export interface ServerCertificateParts {
  readonly first: TlsIdentity;
  readonly issue: () => Promise<TlsIdentity>;
  /** Gives it to every listener. */
  readonly use: (identity: TlsIdentity) => void;
  readonly clock: Clock;
  readonly log: Pick<Logger, "info" | "error">;
}

/** Resolves when the signal aborts. */
export async function keepServerCertificate(
  parts: ServerCertificateParts,
  signal: AbortSignal,
): Promise<void> {
  let current = parts.first;
  while (!signal.aborted) {
    try {
      await parts.clock.sleep(CHECK_PERIOD_MS, signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    if (parts.clock.wall() < renewalDueAt(new X509Certificate(current.certificate))) continue;
    try {
      current = await parts.issue();
      parts.use(current);
      const to = new X509Certificate(current.certificate).validTo;
      parts.log.info({ to }, "coordinator certificate renewed");
    } catch (err) {
      parts.log.error({ err }, "failed to renew the coordinator certificate");
    }
  }
}
