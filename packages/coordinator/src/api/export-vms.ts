/** Lists VMs as JSON text, some at a time: between two pieces the coordinator does what else is to be done. */
import type { VmRecord } from "@muster/model";
import type * as pb from "@muster/proto/admin";
import { findHost } from "../ledger/view.ts";
import type { ApiParts } from "./parts.ts";
import type { VmRows } from "./vm-rows.ts";
import { vmView } from "./vm-view.ts";
import type { WildVm } from "./wild-vms.ts";

/** About 100 kB: half a millisecond's work. More makes heartbeats wait, less is spent on messages. */
const ROWS_A_PIECE = 128;

type Listed =
  | { readonly name: string; readonly ours: VmRecord }
  | { readonly name: string; readonly wild: WildVm };

/** Throws `not-found` for a host that is not there. */
export function listedVms(request: pb.ExportVmsRequest, parts: ApiParts): readonly Listed[] {
  const { observations } = parts;
  const { view } = parts.ledger;
  const host = request.host === "" ? undefined : findHost(view, request.host);
  const listed: Listed[] = [];
  for (const ours of (host === undefined ? view.vms : view.vmsOn(host.id)).values()) {
    if (host !== undefined && ours.placement?.hostId !== host.id) continue;
    listed.push({ name: ours.spec.name, ours });
  }
  const hosts = request.includeWild ? (host === undefined ? view.hosts.values() : [host]) : [];
  for (const { id, name: hostName } of hosts) {
    const ageMs = observations.silentMs(id) ?? 0;
    for (const observed of observations.get(id)?.vms.values() ?? []) {
      if (view.vms.has(observed.id)) continue;
      listed.push({ name: observed.name, wild: { observed, hostName, ageMs } });
    }
  }
  return listed.sort((left, right) =>
    left.name < right.name ? -1 : left.name > right.name ? 1 : 0,
  );
}

export async function* exportVms(
  listed: readonly Listed[],
  rows: VmRows,
  parts: ApiParts,
): AsyncGenerator<pb.ExportVmsResponse> {
  const { ledger, observations } = parts;
  const { view } = ledger;
  for (let from = 0; from < listed.length; from += ROWS_A_PIECE) {
    const piece = listed.slice(from, from + ROWS_A_PIECE).map((each) => {
      if ("wild" in each) return rows.wildRow(each.wild);
      return rows.row(vmView(each.ours, { view, observations }), view);
    });
    yield { rows: Buffer.from(piece.join(",\n")) };
  }
}
