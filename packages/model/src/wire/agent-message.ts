/** Everything an agent says in a session. */
import type * as pb from "@muster/proto/dispatch";
import { assertNever } from "../assert.ts";
import { invalid } from "../errors.ts";
import { parseCommandId, type CommandId } from "../ids.ts";
import type { AgentMessage, CommandProgress, CommandResult } from "../link.ts";
import { decodeErrorDetail, encodeErrorDetail } from "./error-detail.ts";
import {
  fieldAt,
  measuredUint32,
  readCount,
  readLine,
  readList,
  readText,
  required,
  shortened,
} from "./fields.ts";
import {
  decodeHostInventory,
  decodeHostLoad,
  encodeHostInventory,
  encodeHostLoad,
} from "./host.ts";
import {
  decodeHostNetworkObservation,
  decodeProbeResults,
  decodeQuestion,
  encodeHostNetworkObservation,
  encodeProbeResults,
  encodeQuestion,
} from "./host-networking.ts";
import { decodeImageContents, encodeImageContents } from "./image.ts";
import { decodeMigrationStats, encodeMigrationStats } from "./migration-stats.ts";
import { decodeNetworkObservation, encodeNetworkObservation } from "./network.ts";
import { decodeGuestReport, encodeGuestReport } from "./seed.ts";
import { HOST_NETWORKS_MAX, HOST_VMS_MAX, RUNNING_COMMANDS_MAX } from "./report-limits.ts";
import { decodeVmId, encodeVmId } from "./vm-id.ts";
import { decodeVmObservation, encodeVmObservation } from "./vm-observation.ts";

type MessageOf<Kind extends AgentMessage["kind"]> = Extract<AgentMessage, { kind: Kind }>;

const PROTOCOL_VERSIONS_MAX = 64;
const ADDRESS_MAX = 300;
const PHASE_MAX = 1024;
const FINDINGS_MAX = 16;
/** Hardware watchdogs end at minutes; a longer one would recover nothing. */
const WATCHDOG_MS_MAX = 3_600_000;

function decodeHello(wire: pb.Hello, field: string): MessageOf<"hello"> {
  const at = (part: string): string => fieldAt(field, part);
  const versions = { field: at("protocolVersions"), max: PROTOCOL_VERSIONS_MAX };
  return {
    kind: "hello",
    protocolVersions: readList(wire.protocolVersions, versions, (version, versionField) =>
      readCount(version, versionField, { min: 1 }),
    ),
    agentVersion: readLine(wire.agentVersion, at("agentVersion"), { min: 1, max: 64 }),
    agentIncarnation: readLine(wire.agentIncarnation, at("agentIncarnation"), { min: 1, max: 64 }),
    migrationAddress: readLine(wire.migrationAddress, at("migrationAddress"), { max: ADDRESS_MAX }),
    metricsAddress: readLine(wire.metricsAddress, at("metricsAddress"), { max: ADDRESS_MAX }),
  };
}

function decodeFullReport(wire: pb.FullReport, field: string): MessageOf<"full-report"> {
  const at = (part: string): string => fieldAt(field, part);
  const commands = { field: at("runningCommandIds"), max: RUNNING_COMMANDS_MAX };
  return {
    kind: "full-report",
    sequence: wire.sequence,
    inventory: decodeHostInventory(required(wire.inventory, at("inventory")), at("inventory")),
    vms: readList(wire.vms, { field: at("vms"), max: HOST_VMS_MAX }, decodeVmObservation),
    networks: readList(
      wire.networks,
      { field: at("networks"), max: HOST_NETWORKS_MAX },
      decodeNetworkObservation,
    ),
    load: decodeHostLoad(required(wire.load, at("load")), at("load")),
    runningCommandIds: readList(wire.runningCommandIds, commands, (id): CommandId =>
      parseCommandId(id),
    ),
    ...(wire.hostNetwork === undefined
      ? {}
      : { hostNetwork: decodeHostNetworkObservation(wire.hostNetwork, at("hostNetwork")) }),
  };
}

function decodeDeltaReport(wire: pb.DeltaReport, field: string): MessageOf<"delta-report"> {
  const at = (part: string): string => fieldAt(field, part);
  return {
    kind: "delta-report",
    sequence: wire.sequence,
    vms: readList(wire.vms, { field: at("vms"), max: HOST_VMS_MAX }, decodeVmObservation),
    removedVms: readList(
      wire.removedVms,
      { field: at("removedVms"), max: HOST_VMS_MAX },
      decodeVmId,
    ),
    networks: readList(
      wire.networks,
      { field: at("networks"), max: HOST_NETWORKS_MAX },
      decodeNetworkObservation,
    ),
    ...(wire.load === undefined ? {} : { load: decodeHostLoad(wire.load, at("load")) }),
  };
}

function decodeProgress(wire: pb.CommandProgress, field: string): CommandProgress {
  const { migration } = wire;
  return {
    kind: "progress",
    commandId: parseCommandId(wire.commandId),
    phase: readText(wire.phase, fieldAt(field, "phase"), { max: PHASE_MAX }),
    ...(migration === undefined
      ? {}
      : { migration: decodeMigrationStats(migration, fieldAt(field, "migration")) }),
  };
}

function decodeResult(wire: pb.CommandResult, field: string): CommandResult {
  const at = (part: string): string => fieldAt(field, part);
  const { error, migration, vm, networkBlackoutMs } = wire;
  const findings = readList(
    wire.findings,
    { field: at("findings"), max: FINDINGS_MAX },
    (line, lineField) => readLine(line, lineField, { max: PHASE_MAX }),
  );
  return {
    kind: "result",
    commandId: parseCommandId(wire.commandId),
    ...(error === undefined ? {} : { error: decodeErrorDetail(error, at("error")) }),
    ...(migration === undefined
      ? {}
      : { migration: decodeMigrationStats(migration, at("migration")) }),
    ...(vm === undefined ? {} : { vm: decodeVmObservation(vm, at("vm")) }),
    ...(networkBlackoutMs === undefined ? {} : { networkBlackoutMs }),
    ...(findings.length === 0 ? {} : { findings }),
    ...(wire.image === undefined ? {} : { image: decodeImageContents(wire.image, at("image")) }),
  };
}

function decodeHeartbeat(wire: pb.Heartbeat, field: string): MessageOf<"heartbeat"> {
  const { sequence, libvirtAlive, number, lease } = wire;
  const heartbeat = { kind: "heartbeat", sequence, libvirtAlive, number } as const;
  if (lease === undefined) return heartbeat;
  const at = (part: string): string => fieldAt(fieldAt(field, "lease"), part);
  return {
    ...heartbeat,
    lease: {
      number: readCount(lease.number, at("number"), { min: 1 }),
      watchdogTimeoutMs: readCount(lease.watchdogTimeoutMs, at("watchdogTimeoutMs"), {
        max: WATCHDOG_MS_MAX,
      }),
      assignmentsRevision: lease.assignmentsRevision,
    },
  };
}

/** Throws MusterError "invalid" naming the field, and nothing else. */
export function decodeAgentMessage(wire: pb.SessionRequest): AgentMessage {
  const { message } = wire;
  if (message === undefined) {
    throw invalid("message", "is unset, or newer than this program");
  }
  switch (message.$case) {
    case "hello":
      return decodeHello(message.value, message.$case);
    case "fullReport":
      return decodeFullReport(message.value, message.$case);
    case "deltaReport":
      return decodeDeltaReport(message.value, message.$case);
    case "heartbeat":
      return decodeHeartbeat(message.value, message.$case);
    case "progress":
      return decodeProgress(message.value, message.$case);
    case "result":
      return decodeResult(message.value, message.$case);
    case "compactReport":
      throw invalid(message.$case, "can only be read by a session that knows what came before it");
    case "networkApplied":
      return { kind: "network-applied", ...decodeQuestion(message.value, message.$case) };
    case "probeReport": {
      const field = fieldAt(message.$case, "results");
      return { kind: "probe-report", results: decodeProbeResults(message.value.results, field) };
    }
    case "seedRequest":
      return {
        kind: "seed-request",
        vmId: decodeVmId(message.value.uuid, fieldAt(message.$case, "uuid")),
      };
    case "guestReport":
      return decodeGuestReport(message.value, message.$case);
    default:
      return assertNever(message);
  }
}

function encodeFullReport(report: MessageOf<"full-report">): pb.FullReport {
  return {
    sequence: report.sequence,
    inventory: encodeHostInventory(report.inventory),
    vms: report.vms.map(encodeVmObservation),
    networks: report.networks.map(encodeNetworkObservation),
    load: encodeHostLoad(report.load),
    runningCommandIds: [...report.runningCommandIds],
    hostNetwork:
      report.hostNetwork === undefined
        ? undefined
        : encodeHostNetworkObservation(report.hostNetwork),
  };
}

function encodeDeltaReport(report: MessageOf<"delta-report">): pb.DeltaReport {
  return {
    sequence: report.sequence,
    vms: report.vms.map(encodeVmObservation),
    removedVms: report.removedVms.map(encodeVmId),
    networks: report.networks.map(encodeNetworkObservation),
    load: report.load === undefined ? undefined : encodeHostLoad(report.load),
  };
}

function encodeProgress({ commandId, phase, migration }: CommandProgress): pb.CommandProgress {
  return {
    commandId,
    phase: shortened(phase, PHASE_MAX),
    migration: migration === undefined ? undefined : encodeMigrationStats(migration),
  };
}

function encodeResult(result: CommandResult): pb.CommandResult {
  const { commandId, error, migration, vm, networkBlackoutMs, findings = [] } = result;
  return {
    commandId,
    findings: findings.map((line) => shortened(line, PHASE_MAX)),
    image: result.image === undefined ? undefined : encodeImageContents(result.image),
    error: error === undefined ? undefined : encodeErrorDetail(error),
    migration: migration === undefined ? undefined : encodeMigrationStats(migration),
    vm: vm === undefined ? undefined : encodeVmObservation(vm),
    networkBlackoutMs:
      networkBlackoutMs === undefined ? undefined : measuredUint32(networkBlackoutMs),
  };
}

type WireMessage = NonNullable<pb.SessionRequest["message"]>;

function encodeMessage(message: AgentMessage): WireMessage {
  switch (message.kind) {
    case "hello": {
      const { kind: _kind, protocolVersions, ...rest } = message;
      return { $case: "hello", value: { ...rest, protocolVersions: [...protocolVersions] } };
    }
    case "full-report":
      return { $case: "fullReport", value: encodeFullReport(message) };
    case "delta-report":
      return { $case: "deltaReport", value: encodeDeltaReport(message) };
    case "heartbeat": {
      const { sequence, libvirtAlive, number, lease } = message;
      const asked = lease === undefined ? undefined : { ...lease };
      return { $case: "heartbeat", value: { sequence, libvirtAlive, number, lease: asked } };
    }
    case "progress":
      return { $case: "progress", value: encodeProgress(message) };
    case "result":
      return { $case: "result", value: encodeResult(message) };
    case "network-applied":
      return { $case: "networkApplied", value: encodeQuestion(message) };
    case "probe-report":
      return { $case: "probeReport", value: { results: encodeProbeResults(message.results) } };
    case "seed-request":
      return { $case: "seedRequest", value: { uuid: encodeVmId(message.vmId) } };
    case "guest-report":
      return { $case: "guestReport", value: encodeGuestReport(message) };
    default:
      return assertNever(message);
  }
}

export const encodeAgentMessage = (message: AgentMessage): pb.SessionRequest => ({
  message: encodeMessage(message),
});
