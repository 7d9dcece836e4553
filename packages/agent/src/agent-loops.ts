/** The agent's loops and their periods. */
import { Loop, type Clock, type Log, type Reconciler } from "@muster/runtime";

/** How often the agent reports and samples, in milliseconds. */
export interface Pace {
  readonly fullReportIntervalMs: number;
  readonly sampleIntervalMs: number;
}

/** Until the coordinator says otherwise. */
export const paceAtStart: Pace = { fullReportIntervalMs: 60_000, sampleIntervalMs: 5_000 };

/** Hardware and software change seldom; asking costs about a second of CPU time. */
const INVENTORY_MS = 10 * 60_000;

/** A type, not an interface: only then are its values known to be loops. */
export type AgentLoops = {
  readonly guard: Loop;
  readonly networks: Loop;
  /** Absent: this host cannot probe. */
  readonly probes?: Loop;
  /** Absent: nothing here needs guarding. */
  readonly guards?: Loop;
  /** Absent: this host serves no addresses. */
  readonly dhcp?: Loop;
  readonly report: Loop;
  readonly sample: Loop;
  readonly inventory: Loop;
  readonly guestReports: Loop;
};

export function makeLoops(parts: {
  readonly clock: Clock;
  readonly log: Log;
  readonly networkKeeper: Reconciler;
  readonly guard: Reconciler;
  readonly prober?: Reconciler;
  readonly guardKeeper?: Reconciler;
  readonly guestReports: Reconciler;
  readonly dhcpKeeper?: Reconciler;
  readonly pace: () => Pace;
  readonly report: () => Promise<void>;
  readonly sample: () => Promise<void>;
  readonly inventory: () => Promise<void>;
}): AgentLoops {
  const { clock, log, pace } = parts;
  const of = (reconciler: Reconciler): Loop =>
    new Loop({
      reconciler,
      clock,
      onFailure: (error) => {
        log.warn({ loop: reconciler.name, err: error }, "a loop's pass failed");
      },
    });
  const every = (name: string, periodMs: () => number, reconcile: () => Promise<void>): Loop =>
    of({
      name,
      get periodMs() {
        return periodMs();
      },
      reconcile,
    });
  return {
    guard: of(parts.guard),
    guestReports: of(parts.guestReports),
    networks: of(parts.networkKeeper),
    ...(parts.prober === undefined ? {} : { probes: of(parts.prober) }),
    ...(parts.guardKeeper === undefined ? {} : { guards: of(parts.guardKeeper) }),
    ...(parts.dhcpKeeper === undefined ? {} : { dhcp: of(parts.dhcpKeeper) }),
    report: every("report", () => pace().fullReportIntervalMs, parts.report),
    sample: every("sample", () => pace().sampleIntervalMs, parts.sample),
    inventory: every("inventory", () => INVENTORY_MS, parts.inventory),
  };
}
