/** What a host has of networks, uplinks and interfaces, what it should have, and the difference. */
import {
  invalid,
  MusterError,
  sameData,
  type HostInterfacesRecord,
  type HostRecord,
} from "@muster/model";
import {
  decodeHostInterfacesSpec,
  encodeHostInterfacesSpec,
  encodeHostNetworkObservation,
  encodeNetworkSpec,
  encodeUplinkSpec,
} from "@muster/model/wire";
import type * as pb from "@muster/proto/admin";
import type { CallContext } from "@muster/runtime";
import { put, remove } from "../ledger/ledger.ts";
import { findHost, type LedgerView } from "../ledger/view.ts";
import type { ChangeParameters } from "../operations/change-networks.ts";
import type { Accepted } from "../operations/operation-runner.ts";
import { hostNetworkOf } from "../planning/host-network.ts";
import { interfaceTraffic, refuseProtected } from "../planning/protected.ts";
import { hasFailed, lastAttempt } from "../sessions/network-attempts.ts";
import { encodeOperation } from "./encode-operation.ts";
import { encodeNetworkOnHost } from "./networks.ts";
import { decodeWhy, type ApiParts } from "./parts.ts";

export function hostNetworkHandlers(parts: ApiParts) {
  return {
    async getHostNetwork(
      request: pb.GetHostNetworkRequest,
      context: CallContext,
    ): Promise<pb.GetHostNetworkResponse> {
      parts.operatorOf(context);
      const { view } = parts.ledger;
      const planned = view.interfaces.get(request.host);
      if (view.hostByName(request.host) === undefined && planned !== undefined) {
        return {
          ...nothing,
          host: request.host,
          interfaces: encodeHostInterfacesSpec(planned.spec),
        };
      }
      return describe(findHost(view, request.host), parts);
    },

    async setHostInterfaces(
      request: pb.SetHostInterfacesRequest,
      context: CallContext,
    ): Promise<pb.SetHostInterfacesResponse> {
      return setHostInterfaces(request, parts.operatorOf(context), parts);
    },
  };
}

const nothing: pb.GetHostNetworkResponse = {
  host: "",
  wantedRevision: "",
  networks: [],
  uplinks: [],
  interfaces: undefined,
  observed: undefined,
  observedNetworks: [],
  differences: ["the host is not enrolled yet"],
};

function describe(host: HostRecord, parts: ApiParts): pb.GetHostNetworkResponse {
  const { view } = parts.ledger;
  const wanted = hostNetworkOf(view, host);
  const observed = parts.observations.get(host.id);
  const own = view.interfaces.get(host.name);
  const known = new Set([
    ...wanted.networks.map(({ name }) => name),
    ...(observed?.networks.keys() ?? []),
  ]);
  return {
    host: host.name,
    wantedRevision: wanted.revision,
    networks: wanted.networks.map(encodeNetworkSpec),
    uplinks: wanted.uplinks.map((uplink) =>
      encodeUplinkSpec({ ...uplink, hosts: { kind: "all" } }),
    ),
    interfaces: own === undefined ? undefined : encodeHostInterfacesSpec(own.spec),
    observed:
      observed?.hostNetwork === undefined
        ? undefined
        : encodeHostNetworkObservation(observed.hostNetwork),
    observedNetworks: [...known].toSorted().flatMap((name) => {
      const record = view.networks.get(name);
      return record === undefined ? [] : [encodeNetworkOnHost(record, host, parts)];
    }),
    differences: [...differencesOf(host, parts)],
  };
}

function differencesOf(host: HostRecord, { ledger, observations }: ApiParts): readonly string[] {
  const observed = observations.get(host.id);
  if (observed?.reported !== true) return ["the host is not connected"];
  const { revision, networks } = hostNetworkOf(ledger.view, host);
  const { hostNetwork } = observed;
  const wantedNames = new Set(networks.map(({ name }) => name));
  const last = lastAttempt(hostNetwork, revision);
  const isApplied = hostNetwork === undefined || hostNetwork.appliedRevision === revision;
  return [
    ...(isApplied
      ? []
      : [
          last !== undefined && hasFailed(last)
            ? `what it should have was ${last.state} at try ${String(last.attempt)}: ${last.reason}`
            : `it has revision ${hostNetwork.appliedRevision || "none"} and should have ${revision}`,
        ]),
    ...networks.flatMap(({ name }) => {
      const seen = observed.networks.get(name);
      if (seen === undefined) return [`network ${name} is not there`];
      return seen.state === "ready" ? [] : [`network ${name} is ${seen.state}: ${seen.message}`];
    }),
    ...[...observed.networks.keys()]
      .filter((name) => !wantedNames.has(name))
      .map((name) => `network ${name} is there and should not be`),
    ...(hostNetwork?.uplinks ?? [])
      .filter(({ problem }) => problem !== "")
      .map(({ label, problem }) => `uplink ${label}: ${problem}`),
    ...(hostNetwork?.interfaces ?? [])
      .filter(({ problem }) => problem !== "")
      .map(
        ({ name, wanted, found }) =>
          `${name}: is ${found || "not there"}, should be ${wanted || "not there"}`,
      ),
  ];
}

async function setHostInterfaces(
  request: pb.SetHostInterfacesRequest,
  operator: string,
  parts: ApiParts,
): Promise<pb.SetHostInterfacesResponse> {
  const why = decodeWhy(request.why);
  if (request.spec === undefined) throw invalid("spec", "is required");
  const spec = decodeHostInterfacesSpec(request.spec, "spec");
  const { overrideProtected } = request;
  const createdAt = parts.clock.wall().toISOString();
  const check = (view: LedgerView) => {
    const before = view.interfaces.get(spec.host);
    if (before?.operationId !== undefined) {
      throw new MusterError("busy", `host ${spec.host} is busy with ${before.operationId}`);
    }
    const host = view.hostByName(spec.host);
    const hosts = host === undefined ? [] : [host];
    refuseProtected(hosts, interfaceTraffic(parts.observations), overrideProtected);
    return { before, host, isSame: before !== undefined && sameData(before.spec, spec) };
  };
  const now = check(parts.ledger.view);
  if (why.dryRun || now.isSame) return { operation: undefined };
  if (now.host === undefined) {
    await keepForLater(parts, { spec, createdAt });
    return { operation: undefined };
  }
  const operation = await parts.runner.submit(
    { requestId: why.requestId, type: "interfaces-set" },
    (view): Accepted<ChangeParameters> => {
      const { before, host } = check(view);
      const previous = before === undefined ? emptyOf(spec.host) : before;
      return {
        operation: {
          ...why,
          requestedBy: operator,
          type: "interfaces-set",
          subject: `host/${spec.host}`,
          parameters: {
            key: spec.host,
            hosts: host === undefined ? [] : [host.id],
            keepGoing: false,
          },
          explanation: [],
        },
        changes: (operationId) => [
          put("interfaces", {
            createdAt: before?.createdAt ?? createdAt,
            spec,
            operationId,
            changedBy: operationId,
            rollout: { previous, told: [] },
            ...(overrideProtected ? { overrideProtected } : {}),
          }),
        ],
      };
    },
  );
  return { operation: encodeOperation(parts.runner.viewOf(operation), parts.clock.wall()) };
}

const emptyOf = (host: string) => ({ spec: { host, bonds: [], interfaces: [] } });

/** The host is told when it has enrolled: its first configuration has them. */
async function keepForLater(parts: ApiParts, record: HostInterfacesRecord): Promise<void> {
  await parts.ledger.transact((view) => {
    const { spec } = record;
    const isEmpty = spec.bonds.length === 0 && spec.interfaces.length === 0;
    const before = view.interfaces.get(spec.host);
    if (!isEmpty) return { changes: [put("interfaces", record)], result: undefined };
    return {
      changes: before === undefined ? [] : [remove("interfaces", before)],
      result: undefined,
    };
  });
}
