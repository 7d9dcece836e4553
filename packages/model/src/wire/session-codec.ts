/**
 * The two ends of one session: messages to and from their wire form, with what the session has told before. Make a
 * new one for every session.
 */
import type * as pb from "@muster/proto/dispatch";
import type { HostInventory } from "../host.ts";
import { PROTOCOL_COMPACT, type AgentMessage, type CoordinatorMessage } from "../link.ts";
import { decodeAgentMessage, encodeAgentMessage } from "./agent-message.ts";
import { CompactReportReader, CompactReportWriter } from "./compact-report.ts";
import { decodeCoordinatorMessage, encodeCoordinatorMessage } from "./coordinator-message.ts";

export interface SessionCodec<Outgoing, WireOutgoing, WireIncoming, Incoming> {
  readonly encode: (message: Outgoing) => WireOutgoing;
  /** Throws MusterError "invalid" naming the field, and nothing else; the session is then to be ended. */
  readonly decode: (message: WireIncoming) => Incoming;
}

export type AgentCodec = SessionCodec<
  AgentMessage,
  pb.SessionRequest,
  pb.SessionResponse,
  CoordinatorMessage
>;
export type CoordinatorCodec = SessionCodec<
  CoordinatorMessage,
  pb.SessionResponse,
  pb.SessionRequest,
  AgentMessage
>;

/** Compact reports are sent once the coordinator's welcome says that it reads them. */
export function agentCodec(): AgentCodec {
  const reports = new CompactReportWriter();
  let isCompact = false;
  return {
    encode: (message) => {
      if (message.kind !== "full-report" || !isCompact) return encodeAgentMessage(message);
      return { message: { $case: "compactReport", value: reports.encode(message) } };
    },
    decode: (wire) => {
      const message = decodeCoordinatorMessage(wire);
      if (message.kind === "welcome") isCompact = message.protocolVersion >= PROTOCOL_COMPACT;
      // It may have missed something, so it shall not need to remember anything.
      if (message.kind === "request-report") reports.forget();
      return message;
    },
  };
}

/** `keep` gives the form in which an inventory is remembered and passed on, equal to what was read. */
export function coordinatorCodec(
  keep: (inventory: HostInventory) => HostInventory = (inventory) => inventory,
): CoordinatorCodec {
  const reports = new CompactReportReader(keep);
  return {
    encode: encodeCoordinatorMessage,
    decode: (wire) =>
      wire.message?.$case === "compactReport"
        ? reports.decode(wire.message.value, wire.message.$case)
        : decodeAgentMessage(wire),
  };
}
