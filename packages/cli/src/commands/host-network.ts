/** `muster host network`: what a host has of networks, what it should have, the difference. */
import { AdminService, type NetworkOnHost } from "@muster/proto/admin";
import type { NetworkAttempt } from "@muster/proto/types";
import { NetworkAttemptState } from "@muster/proto/types";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { renderLines } from "../render/operation.ts";
import { renderTable } from "../render/table.ts";
import { parseNameOrId, type Session } from "../session.ts";

const stateWords: Readonly<Record<number, string>> = {
  [NetworkAttemptState.APPLYING]: "applying",
  [NetworkAttemptState.UNCONFIRMED]: "unconfirmed",
  [NetworkAttemptState.CONFIRMED]: "confirmed",
  [NetworkAttemptState.ROLLED_BACK]: "rolled back",
  [NetworkAttemptState.REFUSED]: "refused",
  [NetworkAttemptState.STUCK]: "stuck",
};

export async function showHostNetwork(session: Session, host: string): Promise<ExitCode> {
  const answer = await session.admin.call(AdminService.getHostNetwork, {
    doing: `show the networks of host ${host}`,
    request: { host: parseNameOrId(host, "host") },
  });
  const { observed, observedNetworks, differences, wantedRevision } = answer;
  session.output.show({
    data: answer,
    names: differences,
    table: (paint) => {
      const networks = renderTable<NetworkOnHost>(
        [
          { title: "NETWORK", cell: (network) => network.observed?.name ?? "" },
          { title: "USABLE", cell: ({ usable }) => (usable ? "yes" : "no") },
          { title: "BRIDGE", cell: (network) => network.observed?.bridge ?? "" },
          { title: "PROBLEM", cell: ({ problem }) => problem },
        ],
        observedNetworks,
        paint,
      );
      const attempts = renderTable<NetworkAttempt>(
        [
          { title: "REVISION", cell: ({ revision }) => revision },
          { title: "TRY", align: "right", cell: ({ attempt }) => String(attempt) },
          { title: "STATE", cell: ({ state }) => stateWords[state] ?? "unrecognized" },
          { title: "STARTED", cell: ({ startedAt }) => startedAt },
          { title: "REASON", cell: ({ reason }) => reason },
        ],
        observed?.attempts ?? [],
        paint,
      );
      const head = renderLines([
        `revision ${observed?.appliedRevision ?? "unknown"}, should be ${wantedRevision}`,
        ...(differences.length === 0 ? ["it is as it should be"] : differences),
      ]);
      return [head, networks, attempts].join("\n");
    },
  });
  return exitCodes.ok;
}
