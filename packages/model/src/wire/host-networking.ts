/** A host's network configuration as a whole: what it is told, what it says of it, and what it hears by probes. */
import type * as pbDispatch from "@muster/proto/dispatch";
import type * as pb from "@muster/proto/types";
import {
  CONFIRM_TIMEOUT_MAX_MS,
  NETWORK_ATTEMPTS_MAX,
  type HostNetworkAssignment,
  type HostNetworkObservation,
  type InterfaceObservation,
  type NetworkAttempt,
  type ProbeAssignment,
  type ProbeResult,
  type UplinkAssignment,
  type UplinkObservation,
} from "../host-networking.ts";
import { parseHostId } from "../ids.ts";
import type { NetworkApplied } from "../link.ts";
import { parseName } from "../names.ts";
import {
  fieldAt,
  measuredUint32,
  readCount,
  readLine,
  readList,
  readText,
  shortened,
} from "./fields.ts";
import { HOST_NETWORKS_MAX } from "./report-limits.ts";
import {
  decodeAttemptState,
  decodeTraffic,
  encodeAttemptState,
  encodeTraffic,
} from "./network-enums.ts";
import {
  decodeUplinkSpec,
  encodeHostBond,
  encodeHostInterface,
  encodeUplinkSpec,
  readHostBonds,
  readHostInterfaces,
} from "./uplink.ts";

const REVISION_MAX = 64;
const LINES_MAX = 1_000;
const LINE_MAX = 1_024;
const REASON_MAX = 4_096;
const UPLINKS_MAX = 256;
const DEVICES_MAX = 256;
const TRAFFIC_MAX = 8;
const PEERS_MAX = 64;
/** Peers times networks of one host; beyond it something is wrong with one of the two. */
const PROBE_RESULTS_MAX = 50_000;

const readLineOf = (value: string, field: string): string =>
  readText(value, field, { max: LINE_MAX });

const cut = (lines: readonly string[]): string[] =>
  lines.slice(0, LINES_MAX).map((line) => shortened(line, LINE_MAX));

function decodeUplink(wire: pb.UplinkSpec, field: string): UplinkAssignment {
  const { hosts: _hosts, ...uplink } = decodeUplinkSpec(wire, field);
  return uplink;
}

export function decodeHostNetworkAssignment(
  wire: pbDispatch.HostNetworkAssignment,
  field: string,
): HostNetworkAssignment {
  const at = (part: string): string => fieldAt(field, part);
  return {
    revision: readLine(wire.revision, at("revision"), { min: 1, max: REVISION_MAX }),
    attempt: readCount(wire.attempt, at("attempt"), { min: 1 }),
    confirmTimeoutMs: readCount(wire.confirmTimeoutMs, at("confirmTimeoutMs"), {
      min: 1,
      max: CONFIRM_TIMEOUT_MAX_MS,
    }),
    overrideProtected: wire.overrideProtected,
    uplinks: readList(wire.uplinks, { field: at("uplinks"), max: UPLINKS_MAX }, decodeUplink),
    bonds: readHostBonds(wire.bonds, at("bonds")),
    interfaces: readHostInterfaces(wire.interfaces, at("interfaces")),
  };
}

export const encodeHostNetworkAssignment = (
  assignment: HostNetworkAssignment,
): pbDispatch.HostNetworkAssignment => ({
  revision: assignment.revision,
  attempt: assignment.attempt,
  confirmTimeoutMs: assignment.confirmTimeoutMs,
  overrideProtected: assignment.overrideProtected,
  uplinks: assignment.uplinks.map((uplink) =>
    encodeUplinkSpec({ ...uplink, hosts: { kind: "all" } }),
  ),
  bonds: assignment.bonds.map(encodeHostBond),
  interfaces: assignment.interfaces.map(encodeHostInterface),
});

export function decodeProbeAssignments(
  wire: pbDispatch.ProbeAssignments,
  field: string,
): readonly ProbeAssignment[] {
  const limits = { field: fieldAt(field, "entries"), max: HOST_NETWORKS_MAX };
  return readList(wire.entries, limits, (entry, entryField) => ({
    networks: readList(
      entry.networks,
      { field: fieldAt(entryField, "networks"), max: HOST_NETWORKS_MAX },
      parseName,
    ),
    peers: readList(
      entry.peers,
      { field: fieldAt(entryField, "peers"), max: PEERS_MAX },
      (peer, peerField) => ({
        hostId: parseHostId(peer.hostId),
        host: parseName(peer.host, fieldAt(peerField, "host")),
      }),
    ),
  }));
}

export const encodeProbeAssignments = (
  probes: readonly ProbeAssignment[],
): pbDispatch.ProbeAssignments => ({
  entries: probes.map(({ networks, peers }) => ({
    networks: [...networks],
    peers: peers.map(({ hostId, host }) => ({ hostId, host })),
  })),
});

function decodeAttempt(wire: pb.NetworkAttempt, field: string): NetworkAttempt {
  const at = (part: string): string => fieldAt(field, part);
  const readLines = (part: "before" | "after"): readonly string[] =>
    readList(wire[part], { field: at(part), max: LINES_MAX }, readLineOf);
  return {
    revision: readLine(wire.revision, at("revision"), { min: 1, max: REVISION_MAX }),
    attempt: readCount(wire.attempt, at("attempt"), { min: 1 }),
    state: decodeAttemptState(wire.state, at("state")),
    reason: readText(wire.reason, at("reason"), { max: REASON_MAX }),
    before: readLines("before"),
    after: readLines("after"),
    startedAt: readLine(wire.startedAt, at("startedAt"), { max: 64 }),
    endedAt: readLine(wire.endedAt, at("endedAt"), { max: 64 }),
  };
}

const encodeAttempt = (attempt: NetworkAttempt): pb.NetworkAttempt => ({
  revision: attempt.revision,
  attempt: attempt.attempt,
  state: encodeAttemptState(attempt.state),
  reason: shortened(attempt.reason, REASON_MAX),
  before: cut(attempt.before),
  after: cut(attempt.after),
  startedAt: attempt.startedAt,
  endedAt: attempt.endedAt,
});

function decodeUplinkObservation(wire: pb.UplinkObservation, field: string): UplinkObservation {
  const at = (part: string): string => fieldAt(field, part);
  return {
    label: parseName(wire.label, at("label")),
    device: readLineOf(wire.device, at("device")),
    members: readList(wire.members, { field: at("members"), max: DEVICES_MAX }, readLineOf),
    mtu: readCount(wire.mtu, at("mtu")),
    problem: readText(wire.problem, at("problem"), { max: REASON_MAX }),
    carries: readList(wire.carries, { field: at("carries"), max: TRAFFIC_MAX }, decodeTraffic),
  };
}

function decodeInterfaceObservation(
  wire: pb.InterfaceObservation,
  field: string,
): InterfaceObservation {
  const at = (part: string): string => fieldAt(field, part);
  return {
    name: readLineOf(wire.name, at("name")),
    wanted: readLineOf(wire.wanted, at("wanted")),
    found: readLineOf(wire.found, at("found")),
    problem: readText(wire.problem, at("problem"), { max: REASON_MAX }),
    carries: readList(wire.carries, { field: at("carries"), max: TRAFFIC_MAX }, decodeTraffic),
  };
}

export function decodeHostNetworkObservation(
  wire: pb.HostNetworkObservation,
  field: string,
): HostNetworkObservation {
  const at = (part: string): string => fieldAt(field, part);
  return {
    appliedRevision: readLine(wire.appliedRevision, at("appliedRevision"), { max: REVISION_MAX }),
    attempts: readList(
      wire.attempts,
      { field: at("attempts"), max: NETWORK_ATTEMPTS_MAX },
      decodeAttempt,
    ),
    uplinks: readList(
      wire.uplinks,
      { field: at("uplinks"), max: UPLINKS_MAX },
      decodeUplinkObservation,
    ),
    interfaces: readList(
      wire.interfaces,
      { field: at("interfaces"), max: DEVICES_MAX },
      decodeInterfaceObservation,
    ),
  };
}

export const encodeUplinkObservation = (uplink: UplinkObservation): pb.UplinkObservation => ({
  ...uplink,
  members: [...uplink.members],
  mtu: measuredUint32(uplink.mtu),
  problem: shortened(uplink.problem, REASON_MAX),
  carries: uplink.carries.map(encodeTraffic),
});

export const encodeHostNetworkObservation = (
  observed: HostNetworkObservation,
): pb.HostNetworkObservation => ({
  appliedRevision: observed.appliedRevision,
  attempts: observed.attempts.slice(-NETWORK_ATTEMPTS_MAX).map(encodeAttempt),
  uplinks: observed.uplinks.map(encodeUplinkObservation),
  interfaces: observed.interfaces.map(({ name, wanted, found, problem, carries }) => ({
    name,
    wanted: shortened(wanted, LINE_MAX),
    found: shortened(found, LINE_MAX),
    problem: shortened(problem, REASON_MAX),
    carries: carries.map(encodeTraffic),
  })),
});

type Question = Omit<NetworkApplied, "kind">;

/** "network-applied" and "confirm-network" have the same fields. */
export const decodeQuestion = (wire: Question, field: string): Question => ({
  revision: readLine(wire.revision, fieldAt(field, "revision"), { min: 1, max: REVISION_MAX }),
  attempt: readCount(wire.attempt, fieldAt(field, "attempt"), { min: 1 }),
  nonce: readLine(wire.nonce, fieldAt(field, "nonce"), { min: 1, max: REVISION_MAX }),
});

export const encodeQuestion = ({ revision, attempt, nonce }: Question): Question => ({
  revision,
  attempt,
  nonce,
});

export const decodeProbeResults = (wire: readonly pb.ProbeResult[], field: string): ProbeResult[] =>
  readList(wire, { field, max: PROBE_RESULTS_MAX }, (result, resultField) => ({
    network: parseName(result.network, fieldAt(resultField, "network")),
    peer: parseHostId(result.peer),
    sent: readCount(result.sent, fieldAt(resultField, "sent")),
    received: readCount(result.received, fieldAt(resultField, "received")),
    mtuBytes: readCount(result.mtuBytes, fieldAt(resultField, "mtuBytes")),
    roundTripUs: readCount(result.roundTripUs, fieldAt(resultField, "roundTripUs")),
  }));

export const encodeProbeResults = (results: readonly ProbeResult[]): pb.ProbeResult[] =>
  results.slice(0, PROBE_RESULTS_MAX).map((result) => ({
    network: result.network,
    peer: result.peer,
    sent: measuredUint32(result.sent),
    received: measuredUint32(result.received),
    mtuBytes: measuredUint32(result.mtuBytes),
    roundTripUs: measuredUint32(result.roundTripUs),
  }));
