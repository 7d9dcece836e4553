/** Waits until a network is where it should be, or gone from where it should not be any more. */
import type { HostId, HostRecord } from "@muster/model";
import { shouldHave } from "../planning/host-network.ts";
import { hostOutcome, type HostOutcome } from "./host-outcome.ts";
import type { StepContext } from "./operation-type.ts";

/** A host that takes longer than this to make a bridge has a problem that people should hear of. */
const REACH_LIMIT_MS = 60_000;
const REACH_PERIOD_MS = 100;

/** A coordinator that has just started knows no host yet; agents are back within a few seconds. */
const RECONNECT_MS = 10_000;

export interface OnHost {
  readonly host: string;
  readonly outcome: HostOutcome;
}

type Context = Pick<
  StepContext<unknown>,
  "ledger" | "observations" | "clock" | "signal" | "stopping" | "phase"
>;

export interface NetworkReach {
  readonly name: string;
  /** Only this host, connected or not. Absent: every connected one that should have it. */
  readonly at?: HostId;
}

/** What the connected hosts that should have the network say of it, and those that are still about to reconnect. */
function sightings(
  { ledger, observations }: Context,
  { name: network, at }: NetworkReach,
): readonly OnHost[] {
  const record = ledger.view.networks.get(network);
  if (record === undefined) return [];
  const isExpected = (host: HostRecord): boolean =>
    host.connectedBefore && !observations.isKnown(host.id) && observations.ageMs < RECONNECT_MS;
  return [...ledger.view.hosts.values()]
    .filter((host) =>
      at === undefined
        ? observations.stateOf(host) === "online" || isExpected(host)
        : host.id === at,
    )
    .filter((host) => record.removing || shouldHave(record, host))
    .map((host) => ({
      host: host.name,
      // One that has not reconnected yet has said nothing, and that means nothing.
      outcome:
        observations.stateOf(host) === "online"
          ? hostOutcome(ledger.view, host, { observed: observations.get(host.id), network })
          : { kind: "waiting" },
    }));
}

/** Answers the hosts that did not get there. */
export async function waitForHosts(
  context: Context,
  reach: NetworkReach,
): Promise<readonly OnHost[]> {
  const untilMs = context.clock.now() + REACH_LIMIT_MS;
  const ended = AbortSignal.any([context.signal, context.stopping]);
  for (;;) {
    ended.throwIfAborted();
    const all = sightings(context, reach);
    const missing = all.filter(({ outcome }) => outcome.kind !== "done");
    context.phase(`${String(all.length - missing.length)} of ${String(all.length)} hosts are done`);
    if (missing.length === 0 || context.clock.now() >= untilMs) return missing;
    // A host that has tried and failed will not be better in a moment.
    if (missing.every(({ outcome }) => outcome.kind === "failed")) return missing;
    await context.clock.sleep(REACH_PERIOD_MS, ended);
  }
}

export const reasonsOf = ({ host, outcome }: OnHost): readonly string[] =>
  outcome.kind === "failed"
    ? outcome.reasons
    : [`${host}: has not answered within ${String(REACH_LIMIT_MS / 1000)} s`];
