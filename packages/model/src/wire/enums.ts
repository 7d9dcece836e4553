/** Wire enums are numbers, ours are words. Unset and unknown numbers are refused by name. */
import * as pb from "@muster/proto/types";
import { assertNever } from "../assert.ts";
import { invalid } from "../errors.ts";
import type { VmState } from "../vm.ts";

/** The generated decoder lets numbers through that this program's .proto does not have. */
function unknownEnum(value: number, field: string): Error {
  return invalid(field, `${String(value)} is newer than this program`);
}

export function decodeVmState(wire: pb.VmState, field: string): VmState {
  switch (wire) {
    case pb.VmState.STOPPED:
      return "stopped";
    case pb.VmState.RUNNING:
      return "running";
    case pb.VmState.PAUSED:
      return "paused";
    case pb.VmState.STOPPING:
      return "stopping";
    case pb.VmState.CRASHED:
      return "crashed";
    case pb.VmState.UNSPECIFIED:
      throw invalid(field, "is required");
    case pb.VmState.UNRECOGNIZED:
    default:
      throw unknownEnum(wire, field);
  }
}

export function encodeVmState(state: VmState): pb.VmState {
  switch (state) {
    case "stopped":
      return pb.VmState.STOPPED;
    case "running":
      return pb.VmState.RUNNING;
    case "paused":
      return pb.VmState.PAUSED;
    case "stopping":
      return pb.VmState.STOPPING;
    case "crashed":
      return pb.VmState.CRASHED;
    default:
      return assertNever(state);
  }
}
