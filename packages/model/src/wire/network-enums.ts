/** Enums of networks: numbers on the wire, words here. */
import * as pb from "@muster/proto/types";
import { assertNever } from "../assert.ts";
import { invalid } from "../errors.ts";
import type { NetworkAttemptState } from "../host-networking.ts";
import type { NetworkKind, NetworkState, TrafficKind } from "../network.ts";

function unknownEnum(value: number, field: string): Error {
  return invalid(field, `${String(value)} is newer than this program`);
}

/** Unset comes from a program that knows VLANs only. */
export function decodeNetworkKind(wire: pb.NetworkKind, field: string): NetworkKind {
  switch (wire) {
    case pb.NetworkKind.UNSPECIFIED:
    case pb.NetworkKind.VLAN:
      return "vlan";
    case pb.NetworkKind.UNTAGGED:
      return "untagged";
    case pb.NetworkKind.TRUNK:
      return "trunk";
    case pb.NetworkKind.VXLAN:
      return "vxlan";
    case pb.NetworkKind.UNRECOGNIZED:
    default:
      throw unknownEnum(wire, field);
  }
}

export function encodeNetworkKind(kind: NetworkKind): pb.NetworkKind {
  switch (kind) {
    case "vlan":
      return pb.NetworkKind.VLAN;
    case "untagged":
      return pb.NetworkKind.UNTAGGED;
    case "trunk":
      return pb.NetworkKind.TRUNK;
    case "vxlan":
      return pb.NetworkKind.VXLAN;
    default:
      return assertNever(kind);
  }
}

export function decodeNetworkState(wire: pb.NetworkState, field: string): NetworkState {
  switch (wire) {
    case pb.NetworkState.READY:
      return "ready";
    case pb.NetworkState.MISSING:
      return "missing";
    case pb.NetworkState.FAILED:
      return "failed";
    case pb.NetworkState.UNSPECIFIED:
      throw invalid(field, "is required");
    case pb.NetworkState.UNRECOGNIZED:
    default:
      throw unknownEnum(wire, field);
  }
}

export function encodeNetworkState(state: NetworkState): pb.NetworkState {
  switch (state) {
    case "ready":
      return pb.NetworkState.READY;
    case "missing":
      return pb.NetworkState.MISSING;
    case "failed":
      return pb.NetworkState.FAILED;
    default:
      return assertNever(state);
  }
}

export function decodeTraffic(wire: pb.TrafficKind, field: string): TrafficKind {
  switch (wire) {
    case pb.TrafficKind.AGENT:
      return "agent";
    case pb.TrafficKind.MIGRATION:
      return "migration";
    case pb.TrafficKind.UNSPECIFIED:
      throw invalid(field, "is required");
    case pb.TrafficKind.UNRECOGNIZED:
    default:
      throw unknownEnum(wire, field);
  }
}

export const encodeTraffic = (kind: TrafficKind): pb.TrafficKind =>
  kind === "agent" ? pb.TrafficKind.AGENT : pb.TrafficKind.MIGRATION;

export function decodeAttemptState(
  wire: pb.NetworkAttemptState,
  field: string,
): NetworkAttemptState {
  switch (wire) {
    case pb.NetworkAttemptState.APPLYING:
      return "applying";
    case pb.NetworkAttemptState.UNCONFIRMED:
      return "unconfirmed";
    case pb.NetworkAttemptState.CONFIRMED:
      return "confirmed";
    case pb.NetworkAttemptState.ROLLED_BACK:
      return "rolled-back";
    case pb.NetworkAttemptState.REFUSED:
      return "refused";
    case pb.NetworkAttemptState.STUCK:
      return "stuck";
    case pb.NetworkAttemptState.UNSPECIFIED:
      throw invalid(field, "is required");
    case pb.NetworkAttemptState.UNRECOGNIZED:
    default:
      throw unknownEnum(wire, field);
  }
}

export function encodeAttemptState(state: NetworkAttemptState): pb.NetworkAttemptState {
  switch (state) {
    case "applying":
      return pb.NetworkAttemptState.APPLYING;
    case "unconfirmed":
      return pb.NetworkAttemptState.UNCONFIRMED;
    case "confirmed":
      return pb.NetworkAttemptState.CONFIRMED;
    case "rolled-back":
      return pb.NetworkAttemptState.ROLLED_BACK;
    case "refused":
      return pb.NetworkAttemptState.REFUSED;
    case "stuck":
      return pb.NetworkAttemptState.STUCK;
    default:
      return assertNever(state);
  }
}
