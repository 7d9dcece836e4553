/** Networks: create, list, delete. */
import { invalid, MusterError, renderSegment, vlanOf, type NetworkRecord } from "@muster/model";
import { decodeNetworkSpec, encodeNetworkObservation, encodeNetworkSpec } from "@muster/model/wire";
import type * as pb from "@muster/proto/admin";
import type { CallContext } from "@muster/runtime";
import { put } from "../ledger/ledger.ts";
import { findHost, findNetwork, type LedgerView } from "../ledger/view.ts";
import type { NetworkParameters } from "../operations/network-operations.ts";
import type { Accepted } from "../operations/operation-runner.ts";
import { shouldHave } from "../sessions/assignments.ts";
import { encodeOperation } from "./encode-operation.ts";
import { decodeWhy, type ApiParts } from "./parts.ts";

export function networkHandlers(parts: ApiParts) {
  return {
    async createNetwork(
      request: pb.CreateNetworkRequest,
      context: CallContext,
    ): Promise<pb.CreateNetworkResponse> {
      return createNetwork(request, parts.operatorOf(context), parts);
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

function encodeNetwork(network: NetworkRecord, parts: ApiParts): pb.Network {
  const { view } = parts.ledger;
  const hosts = [...view.hosts.values()]
    .filter((host) => network.removing || shouldHave(network, host))
    .toSorted((left, right) => left.name.localeCompare(right.name))
    .map((host): pb.NetworkOnHost => {
      const observed = parts.observations.get(host.id)?.networks.get(network.spec.name);
      return {
        host: host.name,
        observed: observed === undefined ? undefined : encodeNetworkObservation(observed),
        online: parts.observations.stateOf(host) === "online",
      };
    });
  const vmCount = usersOf(network.spec.name, view).length;
  return { spec: encodeNetworkSpec(network.spec), hosts, vmCount, createdAt: network.createdAt };
}

const usersOf = (name: string, view: LedgerView): readonly string[] =>
  [...view.vms.values()]
    .filter((vm) => vm.spec.nics.some((nic) => nic.network === name))
    .map((vm) => vm.spec.name);

async function createNetwork(
  request: pb.CreateNetworkRequest,
  operator: string,
  parts: ApiParts,
): Promise<pb.CreateNetworkResponse> {
  const why = decodeWhy(request.why);
  if (request.spec === undefined) throw invalid("spec", "is required");
  const spec = decodeNetworkSpec(request.spec, "spec");
  const record: NetworkRecord = {
    spec,
    createdAt: parts.clock.wall().toISOString(),
    removing: false,
  };
  const check = (view: LedgerView): readonly string[] => {
    const existing = view.networks.get(spec.name);
    if (existing !== undefined) {
      throw new MusterError(
        "already-exists",
        `there is already a network named ${spec.name}, ${renderSegment(existing.spec.segment)}`,
      );
    }
    const vlan = vlanOf(spec);
    const clash = [...view.networks.values()].find(
      (other) => vlan !== 0 && vlanOf(other.spec) === vlan,
    );
    if (clash !== undefined) {
      throw new MusterError(
        "already-exists",
        `VLAN ${String(vlan)} is already network ${clash.spec.name}`,
        {
          hint: "use that network, or another VLAN id",
        },
      );
    }
    if (spec.hosts.kind === "named") for (const name of spec.hosts.names) findHost(view, name);
    return [...view.hosts.values()]
      .filter((host) => shouldHave(record, host))
      .map((host) => host.name);
  };
  if (why.dryRun) return { operation: undefined, hosts: [...check(parts.ledger.view)].toSorted() };
  const operation = await parts.runner.submit(
    { requestId: why.requestId, type: "network-create" },
    (view): Accepted<NetworkParameters> => {
      check(view);
      return {
        operation: {
          ...why,
          requestedBy: operator,
          type: "network-create",
          subject: `network/${spec.name}`,
          parameters: { name: spec.name },
          explanation: [],
        },
        changes: (operationId) => [put("network", { ...record, operationId })],
      };
    },
  );
  const { view } = parts.ledger;
  const hosts = [...view.hosts.values()]
    .filter((host) => shouldHave(record, host))
    .map((host) => host.name);
  return {
    operation: encodeOperation(parts.runner.viewOf(operation), parts.clock.wall()),
    hosts: hosts.toSorted(),
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
    const users = usersOf(name, view);
    if (users.length > 0) {
      throw new MusterError(
        "wrong-state",
        `network ${name} is used by ${String(users.length)} VMs`,
        {
          reasons: users.map((user) => `VM ${user} has a NIC on it`),
          hint: "remove those VMs first",
        },
      );
    }
    if (network.operationId !== undefined) {
      throw new MusterError("busy", `network ${name} is busy with ${network.operationId}`);
    }
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
      return {
        operation: {
          ...why,
          requestedBy: operator,
          type: "network-delete",
          subject: `network/${name}`,
          parameters: { name },
          explanation: [],
        },
        changes: (operationId) => [put("network", { ...network, operationId, removing: true })],
      };
    },
  );
  return { operation: encodeOperation(parts.runner.viewOf(operation), parts.clock.wall()) };
}
