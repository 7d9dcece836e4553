/** Everything the coordinator says in a session. */
import type * as pb from "@muster/proto/dispatch";
import { assertNever } from "../assert.ts";
import { invalid } from "../errors.ts";
import { parseClusterId, parseCommandId } from "../ids.ts";
import type { Assignments, CoordinatorMessage, VmAssignment } from "../link.ts";
import { parseName } from "../names.ts";
import { decodeCommand, encodeCommand } from "./command.ts";
import { fieldAt, readCount, readList } from "./fields.ts";
import {
  decodeHostNetworkAssignment,
  decodeProbeAssignments,
  decodeQuestion,
  encodeHostNetworkAssignment,
  encodeProbeAssignments,
  encodeQuestion,
} from "./host-networking.ts";
import { decodeNetworkSpec, encodeNetworkSpec } from "./network.ts";
import { decodeNics, encodeNic } from "./nic.ts";
import { HOST_NETWORKS_MAX, HOST_VMS_MAX } from "./report-limits.ts";
import { decodeSeed, encodeSeed } from "./seed.ts";
import { decodeVmId, encodeVmId } from "./vm-id.ts";

type Welcome = Extract<CoordinatorMessage, { kind: "welcome" }>;

/** An interval of 0 would spin; one of more than an hour would never be noticed as wrong. */
const interval = { min: 1, max: 3_600_000 };

/** Longer, and a host would be without orders for longer than a large cluster needs. */
const RECONNECT_SPREAD_MAX_MS = 600_000;

function decodeWelcome(wire: pb.Welcome, field: string): Welcome {
  const readInterval = (
    part: "heartbeatIntervalMs" | "fullReportIntervalMs" | "sampleIntervalMs",
  ): number => readCount(wire[part], fieldAt(field, part), interval);
  return {
    kind: "welcome",
    protocolVersion: readCount(wire.protocolVersion, fieldAt(field, "protocolVersion"), { min: 1 }),
    heartbeatIntervalMs: readInterval("heartbeatIntervalMs"),
    fullReportIntervalMs: readInterval("fullReportIntervalMs"),
    sampleIntervalMs: readInterval("sampleIntervalMs"),
    clusterId: parseClusterId(wire.clusterId),
    reconnectSpreadMs: readCount(wire.reconnectSpreadMs, fieldAt(field, "reconnectSpreadMs"), {
      max: RECONNECT_SPREAD_MAX_MS,
    }),
    leaseMs: readCount(wire.leaseMs, fieldAt(field, "leaseMs"), { max: interval.max }),
  };
}

function decodeVmAssignment(wire: pb.VmAssignment, field: string): VmAssignment {
  return {
    id: decodeVmId(wire.uuid, fieldAt(field, "uuid")),
    name: parseName(wire.name, fieldAt(field, "name")),
    generation: readCount(wire.generation, fieldAt(field, "generation"), { min: 1 }),
    nics: decodeNics(wire.nics, fieldAt(field, "nics")),
    ...(wire.guarded ? { guarded: true as const } : {}),
    ...(wire.autostart ? { autostart: true as const } : {}),
    ...(wire.listen ? { listen: true as const } : {}),
  };
}

function decodeAssignments(wire: pb.Assignments, field: string): Assignments {
  const at = (part: string): string => fieldAt(field, part);
  const networksMax = HOST_NETWORKS_MAX;
  return {
    kind: "assignments",
    appliesTo: wire.appliesTo,
    resultsIn: wire.resultsIn,
    networks: readList(
      wire.networks,
      { field: at("networks"), max: networksMax },
      decodeNetworkSpec,
    ),
    removedNetworks: readList(
      wire.removedNetworks,
      { field: at("removedNetworks"), max: networksMax },
      parseName,
    ),
    vms: readList(wire.vms, { field: at("vms"), max: HOST_VMS_MAX }, decodeVmAssignment),
    removedVms: readList(
      wire.removedVms,
      { field: at("removedVms"), max: HOST_VMS_MAX },
      decodeVmId,
    ),
    ...(wire.hostNetwork === undefined
      ? {}
      : { hostNetwork: decodeHostNetworkAssignment(wire.hostNetwork, at("hostNetwork")) }),
    ...(wire.probes === undefined
      ? {}
      : { probes: decodeProbeAssignments(wire.probes, at("probes")) }),
    ...(wire.coordinators.length === 0
      ? {}
      : {
          coordinators: readList(
            wire.coordinators,
            { field: at("coordinators"), max: COORDINATOR_ADDRESSES_MAX },
            parseCoordinatorAddress,
          ),
        }),
  };
}

/** Three coordinators with a few addresses each; thirty would mean that something goes wrong. */
const COORDINATOR_ADDRESSES_MAX = 32;
const ADDRESS_LENGTH_MAX = 300;

function parseCoordinatorAddress(text: string, field: string): string {
  if (text !== "" && text.length <= ADDRESS_LENGTH_MAX) return text;
  throw invalid(field, "is not an address");
}

/** Throws MusterError "invalid" naming the field, and nothing else. */
export function decodeCoordinatorMessage(wire: pb.SessionResponse): CoordinatorMessage {
  const { message } = wire;
  if (message === undefined) {
    throw invalid("message", "is unset, or newer than this program");
  }
  switch (message.$case) {
    case "welcome":
      return decodeWelcome(message.value, message.$case);
    case "assignments":
      return decodeAssignments(message.value, message.$case);
    case "command":
      return decodeCommand(message.value, message.$case);
    case "cancel":
      return { kind: "cancel", commandId: parseCommandId(message.value.commandId) };
    case "acknowledge":
      return { kind: "acknowledge", commandId: parseCommandId(message.value.commandId) };
    case "requestReport":
      return { kind: "request-report" };
    case "heartbeatAnswer":
      return { kind: "heartbeat-answer", number: message.value.number };
    case "confirmNetwork":
      return { kind: "confirm-network", ...decodeQuestion(message.value, message.$case) };
    case "leaseRenewed":
      return { kind: "lease-renewed", number: message.value.number };
    case "seed":
      return decodeSeed(message.value, message.$case);
    case "guestReportRecorded":
      return {
        kind: "guest-report-recorded",
        vmId: decodeVmId(message.value.uuid, `${message.$case}.uuid`),
        number: message.value.number,
      };
    default:
      return assertNever(message);
  }
}

function encodeAssignments(assignments: Assignments): pb.Assignments {
  return {
    appliesTo: assignments.appliesTo,
    resultsIn: assignments.resultsIn,
    networks: assignments.networks.map(encodeNetworkSpec),
    removedNetworks: [...assignments.removedNetworks],
    vms: assignments.vms.map(({ id, name, generation, nics, ...policy }) => ({
      uuid: encodeVmId(id),
      name,
      generation,
      nics: nics.map(encodeNic),
      guarded: policy.guarded ?? false,
      autostart: policy.autostart ?? false,
      listen: policy.listen ?? false,
    })),
    removedVms: assignments.removedVms.map(encodeVmId),
    hostNetwork:
      assignments.hostNetwork === undefined
        ? undefined
        : encodeHostNetworkAssignment(assignments.hostNetwork),
    probes:
      assignments.probes === undefined ? undefined : encodeProbeAssignments(assignments.probes),
    coordinators: [...(assignments.coordinators ?? [])],
  };
}

type WireMessage = NonNullable<pb.SessionResponse["message"]>;

function encodeMessage(message: CoordinatorMessage): WireMessage {
  switch (message.kind) {
    case "welcome": {
      const { kind: _kind, ...value } = message;
      return { $case: "welcome", value };
    }
    case "assignments":
      return { $case: "assignments", value: encodeAssignments(message) };
    case "command":
      return { $case: "command", value: encodeCommand(message) };
    case "cancel":
      return { $case: "cancel", value: { commandId: message.commandId } };
    case "acknowledge":
      return { $case: "acknowledge", value: { commandId: message.commandId } };
    case "request-report":
      return { $case: "requestReport", value: {} };
    case "heartbeat-answer":
      return { $case: "heartbeatAnswer", value: { number: message.number } };
    case "confirm-network":
      return { $case: "confirmNetwork", value: encodeQuestion(message) };
    case "lease-renewed":
      return { $case: "leaseRenewed", value: { number: message.number } };
    case "seed":
      return { $case: "seed", value: encodeSeed(message) };
    case "guest-report-recorded": {
      const { vmId, number } = message;
      return { $case: "guestReportRecorded", value: { uuid: encodeVmId(vmId), number } };
    }
    default:
      return assertNever(message);
  }
}

export const encodeCoordinatorMessage = (message: CoordinatorMessage): pb.SessionResponse => ({
  message: encodeMessage(message),
});
