/** Whether a host has what it should have of the cluster's networks, and stays so. Pure. */
import type { HostRecord, NetworkAttempt, NetworkObservation } from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";
import type { HostObservation } from "../observations/observations.ts";
import { hostNetworkOf } from "../planning/host-network.ts";
import { hasFailed, lastAttempt } from "../sessions/network-attempts.ts";

export type HostOutcome =
  | { readonly kind: "waiting" }
  /** The coordinator was heard over it, or the agent knows no transactions. */
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly reasons: readonly string[] };

const waiting: HostOutcome = { kind: "waiting" };

/** Both states, the lines that differ. */
function attemptReasons(host: string, { reason, state, before, after }: NetworkAttempt) {
  const was = before.filter((line) => !after.includes(line));
  const tried = after.filter((line) => !before.includes(line));
  return [
    `${host}: ${state}: ${reason}`,
    ...was.map((line) => `${host} has: ${line}`),
    ...tried.map((line) => `${host} tried: ${line}`),
  ];
}

const failedAs = (host: HostRecord, { message }: NetworkObservation): HostOutcome => ({
  kind: "failed",
  reasons: [`${host.name}: ${message}`],
});

/** `network`: the one that must be ready there; undefined: none in particular. */
export function hostOutcome(
  view: LedgerView,
  host: HostRecord,
  asked: { readonly observed: HostObservation | undefined; readonly network?: string },
): HostOutcome {
  const { observed, network } = asked;
  if (observed?.reported !== true) return waiting;
  const { revision, networks } = hostNetworkOf(view, host);
  const { hostNetwork } = observed;
  if (hostNetwork !== undefined && hostNetwork.appliedRevision !== revision) {
    const last = lastAttempt(hostNetwork, revision);
    if (last === undefined || !hasFailed(last)) return waiting;
    return { kind: "failed", reasons: attemptReasons(host.name, last) };
  }
  if (network === undefined) return { kind: "done" };
  const seen = observed.networks.get(network);
  if (!networks.some(({ name }) => name === network)) {
    if (seen === undefined) return { kind: "done" };
    return seen.state === "failed" ? failedAs(host, seen) : waiting;
  }
  if (seen === undefined || seen.state === "missing") return waiting;
  return seen.state === "ready" ? { kind: "done" } : failedAs(host, seen);
}
