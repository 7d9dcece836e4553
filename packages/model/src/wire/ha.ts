/** Policies of high availability. A person may leave anything out; what is kept is complete. */
import * as pb from "@muster/proto/types";
import { assertNever } from "../assert.ts";
import { invalid } from "../errors.ts";
import {
  HA_PRIORITY_MAX,
  HA_RESTARTS_MAX_DEFAULT,
  HA_RESTARTS_MAX_MAX,
  HA_WINDOW_MS_DEFAULT,
  HA_WINDOW_MS_MAX,
  type HaPolicy,
  type HaRestart,
} from "../ha.ts";
import { fieldAt, measuredUint32, readCount } from "./fields.ts";

function decodeRestart(wire: pb.HaRestart, field: string): HaRestart {
  switch (wire) {
    case pb.HaRestart.UNSPECIFIED:
    case pb.HaRestart.NEVER:
      return "never";
    case pb.HaRestart.ON_FAILURE:
      return "on-failure";
    case pb.HaRestart.ALWAYS:
      return "always";
    case pb.HaRestart.UNRECOGNIZED:
    default:
      throw invalid(field, `${String(wire)} is newer than this program`);
  }
}

function encodeRestart(restart: HaRestart): pb.HaRestart {
  switch (restart) {
    case "never":
      return pb.HaRestart.NEVER;
    case "on-failure":
      return pb.HaRestart.ON_FAILURE;
    case "always":
      return pb.HaRestart.ALWAYS;
    default:
      return assertNever(restart);
  }
}

/** Throws MusterError "invalid" naming the field. */
export function decodeHaPolicy(wire: pb.HaPolicy, field: string): HaPolicy {
  const at = (part: string): string => fieldAt(field, part);
  const restart = decodeRestart(wire.restart, at("restart"));
  if (wire.autostart && restart !== "never") {
    throw invalid(
      at("autostart"),
      `goes with restart "never" only`,
      "a VM that may be restarted elsewhere is started by the cluster when its host is back",
    );
  }
  const seconds = readCount(wire.windowSeconds, at("windowSeconds"), {
    max: HA_WINDOW_MS_MAX / 1_000,
  });
  const restarts = readCount(wire.restartsMax, at("restartsMax"), { max: HA_RESTARTS_MAX_MAX });
  return {
    restart,
    priority: readCount(wire.priority, at("priority"), { max: HA_PRIORITY_MAX }),
    restartsMax: restarts === 0 ? HA_RESTARTS_MAX_DEFAULT : restarts,
    windowMs: seconds === 0 ? HA_WINDOW_MS_DEFAULT : seconds * 1_000,
    isolation: wire.runWhenIsolated ? "run" : "stop",
    autostart: wire.autostart,
  };
}

export const encodeHaPolicy = (policy: HaPolicy): pb.HaPolicy => ({
  restart: encodeRestart(policy.restart),
  priority: policy.priority,
  restartsMax: policy.restartsMax,
  windowSeconds: measuredUint32(policy.windowMs / 1_000),
  runWhenIsolated: policy.isolation === "run",
  autostart: policy.autostart,
});
