/** What the public API works on, and who asks. */
import { MusterError } from "@muster/model";
import type { CallContext, Clock, Log, Random } from "@muster/runtime";
import type { EventLog } from "../events/event-log.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Observations } from "../observations/observations.ts";
import type { OperationRunner } from "../operations/operation-runner.ts";
import type { CapacityPolicy } from "../planning/cluster-snapshot.ts";
import type { Snapshots } from "../planning/snapshot-keeper.ts";
import type { Questions } from "../plans/questions.ts";
import type { RebalanceStatus } from "../plans/rebalance-status.ts";
import type { Consoles } from "../sessions/consoles.ts";

export interface ApiParts {
  readonly ledger: Ledger;
  readonly observations: Observations;
  readonly runner: OperationRunner;
  readonly events: EventLog;
  readonly consoles: Consoles;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly capacity: CapacityPolicy;
  readonly snapshots: Snapshots;
  readonly questions: Questions;
  /** How rebalancing stands. */
  readonly rebalancer: { status(): RebalanceStatus };
  readonly migrationTls: boolean;
  readonly about: ClusterAbout;
  /** Names the person behind a call; throws when the peer may not ask. */
  readonly operatorOf: (context: CallContext) => string;
}

export interface ClusterAbout {
  readonly version: string;
  readonly agentAddresses: readonly string[];
  readonly authorityFingerprint: string;
  readonly metricsAddress: string;
}

/** Free text from people is kept for ever: a sentence, not a book. */
const REASON_LENGTH_MAX = 1_000;
const REQUEST_ID_LENGTH_MAX = 100;

export interface Why {
  readonly reason: string;
  readonly dryRun: boolean;
  readonly requestId: string;
}

export function decodeWhy(
  wire:
    { readonly reason: string; readonly dryRun: boolean; readonly requestId: string } | undefined,
): Why {
  if (wire === undefined) return { reason: "", dryRun: false, requestId: "" };
  if (wire.reason.length > REASON_LENGTH_MAX) {
    const length = String(wire.reason.length);
    throw new MusterError(
      "invalid",
      `reason: ${length} characters, at most ${String(REASON_LENGTH_MAX)} are kept`,
    );
  }
  if (wire.requestId.length > REQUEST_ID_LENGTH_MAX) {
    throw new MusterError(
      "invalid",
      `request_id: more than ${String(REQUEST_ID_LENGTH_MAX)} characters`,
    );
  }
  return wire;
}
