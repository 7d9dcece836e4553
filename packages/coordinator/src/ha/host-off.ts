/** What makes it certain that a host is off, as a record and as a sentence. */
import type { HostId, HostOff } from "@muster/model";
import { put, type Ledger } from "../ledger/ledger.ts";
import type { Observations } from "../observations/observations.ts";

export const offSentence = ({ by, at }: HostOff): string => `${by} (since ${at})`;

/**
 * Records it, unless the host has been heard again since the proof was begun: then it proves nothing any more.
 * @param proof.session the number of the host's last session when the proof was begun.
 */
export async function recordOff(
  { ledger, observations }: { readonly ledger: Ledger; readonly observations: Observations },
  hostId: HostId,
  proof: { readonly off: HostOff; readonly session: number },
): Promise<boolean> {
  return ledger.transact((view) => {
    const host = view.hosts.get(hostId);
    const isHeard =
      observations.isPresent(hostId) || observations.sessionsOf(hostId) !== proof.session;
    if (host === undefined || isHeard) return { changes: [], result: false };
    return { changes: [put("host", { ...host, off: proof.off })], result: true };
  });
}

/**
 * The host is heard again: whatever was certain of it is not any more. Before anything else is told to it. In the
 * ledger's turn always: a proof may be on its way to the disk at this moment.
 */
export async function forgetOff(ledger: Ledger, hostId: HostId): Promise<void> {
  await ledger.transact((view) => {
    const host = view.hosts.get(hostId);
    if (host?.off === undefined) return { changes: [], result: undefined };
    const { off: _off, ...rest } = host;
    return { changes: [put("host", rest)], result: undefined };
  });
}
