/** Networks: create, change, list, delete. */
import {
  differences,
  invalid,
  MusterError,
  renderSegment,
  sameData,
  type HostRecord,
  type NetworkRecord,
  type NetworkSpec,
} from "@muster/model";
import { decodeNetworkSpec, encodeNetworkObservation, encodeNetworkSpec } from "@muster/model/wire";
import type * as pb from "@muster/proto/admin";
import type { CallContext } from "@muster/runtime";
import { put } from "../ledger/ledger.ts";
import { findNetwork, type LedgerView } from "../ledger/view.ts";
import type { ChangeParameters } from "../operations/change-networks.ts";
import type { NetworkParameters } from "../operations/network-operations.ts";
import type { Accepted } from "../operations/operation-runner.ts";
import { checkChange, checkNetwork, vmsOn } from "../planning/check-network.ts";
import { shouldHave } from "../planning/host-network.ts";
import { networkTraffic, refuseProtected } from "../planning/protected.ts";
import { problemOn } from "../planning/usable-networks.ts";
import { encodeOperation } from "./encode-operation.ts";
import { decodeWhy, type ApiParts, type Why } from "./parts.ts";

export function networkHandlers(parts: ApiParts) {
  return {
    async createNetwork(
      request: pb.CreateNetworkRequest,
      context: CallContext,
    ): Promise<pb.CreateNetworkResponse> {
      return createNetwork(request, parts.operatorOf(context), parts);
    },

    async setNetwork(
      request: pb.SetNetworkRequest,
      context: CallContext,
    ): Promise<pb.SetNetworkResponse> {
      return setNetwork(request, parts.operatorOf(context), parts);
    },

    async listNetworks(
      request: pb.ListNetworksRequest,
      context: CallContext,
    ): Promise<pb.ListNetworksResponse> {
      parts.operatorOf(context);
      const { view } = parts.ledger;
      const wanted =
        request.name === "" ? [...view.networks.values()] : [findNetwork(view, request.name)];
      const sorted = wanted.toSorted((left, right) =>
        left.spec.name.localeCompare(right.spec.name),
      );
      return { networks: sorted.map((network) => encodeNetwork(network, parts)) };
    },

    async deleteNetwork(
      request: pb.DeleteNetworkRequest,
      context: CallContext,
    ): Promise<pb.DeleteNetworkResponse> {
      return deleteNetwork(request, parts.operatorOf(context), parts);
    },
  };
}

export const byName = (left: HostRecord, right: HostRecord): number =>
  left.name.localeCompare(right.name);

export function encodeNetworkOnHost(
  network: NetworkRecord,
  host: HostRecord,
  { observations }: Pick<ApiParts, "observations">,
): pb.NetworkOnHost {
  const observed = observations.get(host.id)?.networks.get(network.spec.name);
  const online = observations.stateOf(host) === "online";
  const problem = problemOn(network, host, observations) ?? "";
  return {
    host: host.name,
    observed: observed === undefined ? undefined : encodeNetworkObservation(observed),
    online,
    usable: online && observed?.state === "ready" && problem === "",
    problem,
  };
}

export function encodeNetwork(network: NetworkRecord, parts: ApiParts): pb.Network {
  const { view } = parts.ledger;
  const hosts = [...view.hosts.values()]
    .filter((host) => network.removing || shouldHave(network, host))
    .toSorted(byName)
    .map((host) => encodeNetworkOnHost(network, host, parts));
  return {
    spec: encodeNetworkSpec(network.spec),
    hosts,
    vmCount: vmsOn(view, network.spec.name).length,
    createdAt: network.createdAt,
  };
}

/** Hosts that have it before the change or after. */
const hostsOf = (view: LedgerView, ...records: readonly NetworkRecord[]): readonly HostRecord[] =>
  [...view.hosts.values()]
    .filter((host) => records.some((record) => shouldHave(record, host)))
    .toSorted(byName);

const namesOf = (hosts: readonly HostRecord[]): string[] => hosts.map(({ name }) => name);

function readSpec(wire: pb.CreateNetworkRequest["spec"]): NetworkSpec {
  if (wire === undefined) throw invalid("spec", "is required");
  return decodeNetworkSpec(wire, "spec");
}

function refuseBusy({ spec, operationId }: NetworkRecord): void {
  if (operationId === undefined) return;
  throw new MusterError("busy", `network ${spec.name} is busy with ${operationId}`);
}

const about = <Parameters>(
  why: Why,
  operator: string,
  { type, name, parameters }: { type: string; name: string; parameters: Parameters },
): Accepted<Parameters>["operation"] => ({
  ...why,
  requestedBy: operator,
  type,
  subject: `network/${name}`,
  parameters,
  explanation: [],
});

async function createNetwork(
  request: pb.CreateNetworkRequest,
  operator: string,
  parts: ApiParts,
): Promise<pb.CreateNetworkResponse> {
  const why = decodeWhy(request.why);
  const spec = readSpec(request.spec);
  const record: NetworkRecord = {
    spec,
    createdAt: parts.clock.wall().toISOString(),
    removing: false,
  };
  const check = (view: LedgerView): readonly HostRecord[] => {
    const existing = view.networks.get(spec.name);
    if (existing !== undefined) {
      throw new MusterError(
        "already-exists",
        `there is already a network named ${spec.name}, ${renderSegment(existing.spec.segment)}`,
        { hint: `to change it: muster network set ${spec.name}` },
      );
    }
    checkNetwork(view, spec);
    return hostsOf(view, record);
  };
  if (why.dryRun) return { operation: undefined, hosts: namesOf(check(parts.ledger.view)) };
  const operation = await parts.runner.submit(
    { requestId: why.requestId, type: "network-create" },
    (view): Accepted<NetworkParameters> => {
      check(view);
      const parameters = { name: spec.name };
      return {
        operation: about(why, operator, { type: "network-create", name: spec.name, parameters }),
        changes: (operationId) => [
          put("network", { ...record, operationId, changedBy: operationId }),
        ],
      };
    },
  );
  return {
    operation: encodeOperation(parts.runner.viewOf(operation), parts.clock.wall()),
    hosts: namesOf(hostsOf(parts.ledger.view, record)),
  };
}

/** True: hosts must take it from where it is and put it elsewhere. */
const isMoved = (before: NetworkSpec, after: NetworkSpec): boolean =>
  before.uplink !== after.uplink || !sameData(before.segment, after.segment);

async function setNetwork(
  request: pb.SetNetworkRequest,
  operator: string,
  parts: ApiParts,
): Promise<pb.SetNetworkResponse> {
  const why = decodeWhy(request.why);
  const spec = readSpec(request.spec);
  const { keepGoing, overrideProtected } = request;
  const check = (view: LedgerView) => {
    const network = findNetwork(view, spec.name);
    if (network.removing) {
      throw new MusterError("wrong-state", `network ${spec.name} is being removed`);
    }
    refuseBusy(network);
    checkChange(view, spec);
    const lines = differences(encodeNetworkSpec(network.spec), encodeNetworkSpec(spec));
    const hosts = lines.length === 0 ? [] : hostsOf(view, network, { ...network, spec });
    const touched = isMoved(network.spec, spec)
      ? hosts
      : hosts.filter((host) => !shouldHave({ ...network, spec }, host));
    refuseProtected(touched, networkTraffic(parts.observations, spec.name), overrideProtected);
    return { network, hosts, lines: [...lines] };
  };
  const now = check(parts.ledger.view);
  const answer = { hosts: namesOf(now.hosts), differences: now.lines };
  if (why.dryRun || now.lines.length === 0) return { operation: undefined, ...answer };
  const operation = await parts.runner.submit(
    { requestId: why.requestId, type: "network-set" },
    (view): Accepted<ChangeParameters> => {
      const { network, hosts, lines } = check(view);
      const { changedBy } = network;
      const previous = {
        spec: network.spec,
        ...(changedBy === undefined ? {} : { changedBy }),
      };
      const parameters = { key: spec.name, hosts: hosts.map(({ id }) => id), keepGoing };
      return {
        operation: {
          ...about(why, operator, { type: "network-set", name: spec.name, parameters }),
          explanation: lines,
        },
        changes: (operationId) => [
          put("network", {
            ...network,
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
  return {
    operation: encodeOperation(parts.runner.viewOf(operation), parts.clock.wall()),
    ...answer,
  };
}

async function deleteNetwork(
  request: pb.DeleteNetworkRequest,
  operator: string,
  parts: ApiParts,
): Promise<pb.DeleteNetworkResponse> {
  const why = decodeWhy(request.why);
  const check = (view: LedgerView): NetworkRecord => {
    const network = findNetwork(view, request.name);
    const { name } = network.spec;
    refuseUsed(view, name);
    refuseBusy(network);
    const traffic = networkTraffic(parts.observations, name);
    refuseProtected(hostsOf(view, network), traffic, request.overrideProtected);
    return network;
  };
  if (why.dryRun) {
    check(parts.ledger.view);
    return { operation: undefined };
  }
  const operation = await parts.runner.submit(
    { requestId: why.requestId, type: "network-delete" },
    (view): Accepted<NetworkParameters> => {
      const network = check(view);
      const { name } = network.spec;
      const { overrideProtected } = request;
      return {
        operation: about(why, operator, { type: "network-delete", name, parameters: { name } }),
        changes: (operationId) => [
          put("network", {
            ...network,
            operationId,
            removing: true,
            ...(overrideProtected ? { overrideProtected } : {}),
          }),
        ],
      };
    },
  );
  return { operation: encodeOperation(parts.runner.viewOf(operation), parts.clock.wall()) };
}

function refuseUsed(view: LedgerView, name: string): void {
  const users = vmsOn(view, name);
  if (users.length > 0) {
    throw new MusterError("wrong-state", `network ${name} is used by ${String(users.length)} VMs`, {
      reasons: users.map(({ spec }) => `VM ${spec.name} has a NIC on it`),
      hint: "remove those VMs first",
    });
  }
  const kept = [...view.addresses.values()].filter(({ network }) => network === name);
  if (kept.length === 0) return;
  throw new MusterError(
    "wrong-state",
    `${String(kept.length)} addresses are reserved on network ${name}`,
    {
      reasons: kept.map((each) => `${each.address} is reserved for ${each.name}`),
      hint: `release them first: muster address release ${name} ADDRESS`,
    },
  );
}
