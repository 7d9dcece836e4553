/** Uplinks: define or change, list, remove. */
import {
  invalid,
  isChosen,
  isMoreExact,
  MusterError,
  sameData,
  type HostRecord,
  type UplinkRecord,
} from "@muster/model";
import {
  decodeHostChoice,
  decodeUplinkSpec,
  encodeUplinkObservation,
  encodeUplinkSpec,
} from "@muster/model/wire";
import type * as pb from "@muster/proto/admin";
import type { CallContext } from "@muster/runtime";
import { put, remove } from "../ledger/ledger.ts";
import { uplinkKey } from "../ledger/records.ts";
import type { LedgerView } from "../ledger/view.ts";
import type { ChangeParameters } from "../operations/change-networks.ts";
import type { Accepted } from "../operations/operation-runner.ts";
import { checkUplink, checkUplinkRemoval, networksOn } from "../planning/check-uplink.ts";
import { uplinkOf } from "../planning/host-network.ts";
import { refuseProtected, uplinkTraffic } from "../planning/protected.ts";
import { encodeOperation } from "./encode-operation.ts";
import { byName } from "./networks.ts";
import { decodeWhy, type ApiParts } from "./parts.ts";

export function uplinkHandlers(parts: ApiParts) {
  return {
    async setUplink(
      request: pb.SetUplinkRequest,
      context: CallContext,
    ): Promise<pb.SetUplinkResponse> {
      return setUplink(request, parts.operatorOf(context), parts);
    },

    async listUplinks(
      request: pb.ListUplinksRequest,
      context: CallContext,
    ): Promise<pb.ListUplinksResponse> {
      parts.operatorOf(context);
      const all = [...parts.ledger.view.uplinks.values()]
        .filter(({ spec }) => request.label === "" || spec.label === request.label)
        .toSorted(byLabel);
      return { uplinks: all.map((record) => encodeUplink(record, parts)) };
    },

    async removeUplink(
      request: pb.RemoveUplinkRequest,
      context: CallContext,
    ): Promise<pb.RemoveUplinkResponse> {
      parts.operatorOf(context);
      const { label } = request;
      const hosts = decodeHostChoice(request, "");
      const { dryRun } = decodeWhy(request.why);
      await parts.ledger.transact((view) => {
        checkUplinkRemoval(view, label, hosts);
        const record = view.uplinks.get(uplinkKey({ label, hosts }));
        if (record?.operationId !== undefined) throw busy(record);
        const changes = record === undefined || dryRun ? [] : [remove("uplink", record)];
        return { changes, result: undefined };
      });
      return {};
    },
  };
}

const busy = ({ spec, operationId = "" }: UplinkRecord): MusterError =>
  new MusterError("busy", `uplink ${spec.label} is busy with ${operationId}`);

function byLabel({ spec: left }: UplinkRecord, { spec: right }: UplinkRecord): number {
  if (left.label !== right.label) return left.label.localeCompare(right.label);
  return isMoreExact(left.hosts, right.hosts) ? -1 : 1;
}

/** Hosts that go by this definition. */
const hostsOf = (view: LedgerView, { spec }: UplinkRecord): readonly HostRecord[] =>
  [...view.hosts.values()]
    .filter((host) => sameData(uplinkOf(view, spec.label, host), spec))
    .toSorted(byName);

function encodeUplink(record: UplinkRecord, { ledger, observations }: ApiParts): pb.Uplink {
  const { label } = record.spec;
  return {
    spec: encodeUplinkSpec(record.spec),
    hosts: hostsOf(ledger.view, record).map((host) => {
      const observed = observations
        .get(host.id)
        ?.hostNetwork?.uplinks.find((uplink) => uplink.label === label);
      return {
        host: host.name,
        observed: observed === undefined ? undefined : encodeUplinkObservation(observed),
      };
    }),
    networks: networksOn(ledger.view, label)
      .map(({ name }) => name)
      .toSorted(),
  };
}

async function setUplink(
  request: pb.SetUplinkRequest,
  operator: string,
  parts: ApiParts,
): Promise<pb.SetUplinkResponse> {
  const why = decodeWhy(request.why);
  if (request.spec === undefined) throw invalid("spec", "is required");
  const spec = decodeUplinkSpec(request.spec, "spec");
  const { keepGoing, overrideProtected } = request;
  const key = uplinkKey(spec);
  const check = (view: LedgerView) => {
    const before = view.uplinks.get(key);
    if (before?.operationId !== undefined) throw busy(before);
    checkUplink(view, spec);
    const isSame = before !== undefined && sameData(before.spec, spec);
    const concerned = [...view.hosts.values()].filter((host) => isChosen(spec.hosts, host));
    const hosts = isSame ? [] : concerned.toSorted(byName);
    refuseProtected(hosts, uplinkTraffic(parts.observations, spec.label), overrideProtected);
    return { before, hosts, isSame };
  };
  const now = check(parts.ledger.view);
  const hosts = now.hosts.map(({ name }) => name);
  if (why.dryRun || now.isSame) return { operation: undefined, hosts };
  const createdAt = parts.clock.wall().toISOString();
  const operation = await parts.runner.submit(
    { requestId: why.requestId, type: "uplink-set" },
    (view): Accepted<ChangeParameters> => {
      const { before, hosts: concerned } = check(view);
      const previous =
        before === undefined
          ? {}
          : {
              previous: {
                spec: before.spec,
                ...(before.changedBy === undefined ? {} : { changedBy: before.changedBy }),
              },
            };
      return {
        operation: {
          ...why,
          requestedBy: operator,
          type: "uplink-set",
          subject: `uplink/${spec.label}`,
          parameters: { key, hosts: concerned.map(({ id }) => id), keepGoing },
          explanation: [],
        },
        changes: (operationId) => [
          put("uplink", {
            createdAt: before?.createdAt ?? createdAt,
            spec,
            operationId,
            changedBy: operationId,
            rollout: { ...previous, told: [] },
            ...(overrideProtected ? { overrideProtected } : {}),
          }),
        ],
      };
    },
  );
  return { operation: encodeOperation(parts.runner.viewOf(operation), parts.clock.wall()), hosts };
}
