/**
 * Which try of its network configuration each host is told to make. A host undoes a change by itself when it is not
 * heard, and tries it again only when told so: after a while, for what cut it off may have been something else; less
 * and less often, for each try may cut it off again.
 */
import type { HostId, HostNetworkObservation, NetworkAttempt } from "@muster/model";
import type { Clock } from "@muster/runtime";

/** First pause. Shorter, and a host that is cut off by its change would be so most of the time. */
const AGAIN_MIN_MS = 30_000;
/** Longest pause: a switch that was mended at night is used before the morning. */
const AGAIN_MAX_MS = 3_600_000;

interface Wanted {
  readonly revision: string;
  readonly attempt: number;
  /** Monotonic. Present: when the next try is due. */
  readonly againAtMs?: number;
}

/** Ended in another way than staying. */
export const hasFailed = ({ state }: NetworkAttempt): boolean =>
  state === "rolled-back" || state === "refused" || state === "stuck";

export const lastAttempt = (
  observed: HostNetworkObservation | undefined,
  revision: string,
): NetworkAttempt | undefined =>
  observed?.attempts.findLast((attempt) => attempt.revision === revision);

export const pauseAfter = (attempt: number): number =>
  Math.min(AGAIN_MAX_MS, AGAIN_MIN_MS * 2 ** Math.min(attempt - 1, 16));

export class NetworkAttempts {
  readonly #clock: Clock;
  readonly #wanted = new Map<HostId, Wanted>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  attemptOf(hostId: HostId, revision: string): number {
    const wanted = this.#wanted.get(hostId);
    return wanted?.revision === revision ? wanted.attempt : 1;
  }

  /** The host reported: `revision` is what it should have. */
  reported(hostId: HostId, observed: HostNetworkObservation, revision: string): void {
    const last = lastAttempt(observed, revision);
    if (observed.appliedRevision === revision || last === undefined || !hasFailed(last)) {
      this.#wanted.delete(hostId);
      return;
    }
    const wanted = this.#wanted.get(hostId);
    const isScheduled = wanted?.revision === revision && wanted.attempt >= last.attempt;
    if (isScheduled && (wanted.againAtMs !== undefined || wanted.attempt > last.attempt)) return;
    const againAtMs = this.#clock.now() + pauseAfter(last.attempt);
    this.#wanted.set(hostId, { revision, attempt: last.attempt, againAtMs });
  }

  forget(hostId: HostId): void {
    this.#wanted.delete(hostId);
  }

  /** Hosts whose next try is due are told of it from now on. */
  takeDue(): readonly HostId[] {
    const now = this.#clock.now();
    const due = [...this.#wanted].filter(
      ([, { againAtMs }]) => againAtMs !== undefined && againAtMs <= now,
    );
    for (const [hostId, { revision, attempt }] of due) {
      this.#wanted.set(hostId, { revision, attempt: attempt + 1 });
    }
    return due.map(([hostId]) => hostId);
  }
}
