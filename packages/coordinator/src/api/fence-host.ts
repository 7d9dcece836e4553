/** A person fences a host: has its power switched off, or says that it is off. */
import { isEnded, MusterError, type HostOff } from "@muster/model";
import type * as pb from "@muster/proto/admin";
import type { CallContext } from "@muster/runtime";
import { strandedOn } from "../ha/plan-restarts.ts";
import { put } from "../ledger/ledger.ts";
import { findHost, type LedgerView } from "../ledger/view.ts";
import type { RecoverHostParameters } from "../operations/recover-host.ts";
import { decodeWhy, type ApiParts, type Why } from "./parts.ts";
import { about, encodeNow } from "./vm-requests.ts";

export function fenceHostHandlers(parts: ApiParts) {
  return {
    async fenceHost(
      request: pb.FenceHostRequest,
      context: CallContext,
    ): Promise<pb.FenceHostResponse> {
      const operator = parts.operatorOf(context);
      const why = decodeWhy(request.why);
      const notes = notesOf(parts.ledger.view, request);
      if (why.dryRun) {
        check(parts.ledger.view, request, parts);
        return { operation: undefined, notes };
      }
      const operation = await parts.runner.submit<RecoverHostParameters>(
        { requestId: why.requestId, type: "host-recover" },
        (view) => accept(view, { request, parts, why, operator }),
      );
      return { operation: encodeNow(operation, parts), notes };
    },
  };
}

function notesOf(view: LedgerView, request: pb.FenceHostRequest): string[] {
  const host = findHost(view, request.host);
  const stranded = strandedOn(view, host.id);
  const how = request.confirmedOff
    ? `host ${host.name} is taken to be off because you say so`
    : `the power of host ${host.name} is switched off`;
  return [how, ...stranded.map((vm) => `VM ${vm.spec.name} is restarted elsewhere`)];
}

function check(view: LedgerView, request: pb.FenceHostRequest, parts: ApiParts): void {
  const host = findHost(view, request.host);
  const running = [...view.operations.values()].find(
    ({ type, subject, state }) =>
      type === "host-recover" && subject === `host/${host.name}` && !isEnded(state),
  );
  if (running !== undefined && !request.confirmedOff) {
    throw new MusterError("busy", `${running.id} already works on host ${host.name}`, {
      hint: `watch it: muster op watch ${running.id}`,
    });
  }
  const isConnected = parts.observations.get(host.id)?.connected === true;
  if (request.confirmedOff && isConnected) {
    throw new MusterError("wrong-state", `host ${host.name} is connected: it is not off`);
  }
  if (request.confirmedOff) return;
  if (isConnected && !request.force) {
    throw new MusterError("wrong-state", `host ${host.name} is connected`, {
      hint: "to switch it off although it lives, with everything that runs on it, give --force",
    });
  }
  if ((host.fenceDevices ?? []).length === 0) {
    throw new MusterError("wrong-state", `host ${host.name} has no fence device`, {
      hint: `set one: muster host fence set ${host.name}; or, if it is off: --i-confirm-it-is-off`,
    });
  }
}

function accept(
  view: LedgerView,
  asked: {
    readonly request: pb.FenceHostRequest;
    readonly parts: ApiParts;
    readonly why: Why;
    readonly operator: string;
  },
) {
  const { request, parts, why, operator } = asked;
  check(view, request, parts);
  const host = findHost(view, request.host);
  const because = why.reason === "" ? "" : `: ${why.reason}`;
  const off: HostOff = {
    how: "person",
    by: `${operator} has confirmed that it is off${because}`,
    at: parts.clock.wall().toISOString(),
  };
  return {
    operation: {
      ...about(why, operator),
      type: "host-recover",
      subject: `host/${host.name}`,
      parameters: { hostId: host.id, byPerson: true },
      explanation: request.confirmedOff ? [off.by] : [],
    },
    changes: () => (request.confirmedOff ? [put("host", { ...host, off })] : []),
  };
}
