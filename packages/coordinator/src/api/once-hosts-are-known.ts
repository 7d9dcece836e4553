/**
 * A coordinator that has just begun to lead has not heard its hosts yet. A request for which it knows no place now may
 * have one in a moment, so it is held instead of refused, until every host that was there before is heard or the grace
 * is over.
 */
import { isMusterError, MusterError, type ErrorCode } from "@muster/model";
import type { ApiParts } from "./parts.ts";

type Parts = Pick<ApiParts, "ledger" | "observations" | "clock">;

/**
 * Agents are back within seconds, the last of very many after fifteen; a host that is not by then is down. Longer, and
 * the caller's own patience, thirty seconds at the command line, would end first and tell nobody why.
 */
export const KNOWN_GRACE_MS = 20_000;
const LOOK_PERIOD_MS = 250;
const NAMES_SHOWN_MAX = 5;

/** Refusals that a host may turn into a yes by being heard. */
const hostsMayChange: ReadonlySet<ErrorCode> = new Set(["no-placement", "host-offline"]);

export async function onceHostsAreKnown<Result>(
  parts: Parts,
  signal: AbortSignal,
  attempt: () => Promise<Result>,
): Promise<Result> {
  for (;;) {
    const wereMissing = missingHosts(parts);
    try {
      return await attempt();
    } catch (error) {
      if (!isMusterError(error) || !hostsMayChange.has(error.code)) throw error;
      // Looked at before it was decided: a host that came in between counts.
      if (wereMissing.length === 0) throw error;
      if (parts.observations.ageMs >= KNOWN_GRACE_MS) throw explained(error, wereMissing, parts);
    }
    await parts.clock.sleep(LOOK_PERIOD_MS, signal);
  }
}

/** Hosts that were connected before, and have not said since what they have. */
function missingHosts({ ledger, observations }: Parts): readonly string[] {
  return [...ledger.view.hosts.values()]
    .filter(({ id, connectedBefore, off }) => {
      return connectedBefore && off === undefined && !observations.isKnown(id);
    })
    .map(({ name }) => name)
    .toSorted();
}

function explained(
  error: MusterError,
  missing: readonly string[],
  { observations }: Parts,
): MusterError {
  const shown = missing.slice(0, NAMES_SHOWN_MAX).join(", ");
  const more = missing.length > NAMES_SHOWN_MAX ? ", …" : "";
  const seconds = String(Math.round(observations.ageMs / 1_000));
  const since = `this coordinator began to lead ${seconds} s ago`;
  return new MusterError(error.code, error.message, {
    reasons: [
      ...error.reasons,
      `${String(missing.length)} hosts have not been heard since ${since}: ${shown}${more}`,
    ],
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}
