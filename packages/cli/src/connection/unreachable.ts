/** What to say, and what to check, when the coordinator does not answer. PURE. */
import { MusterError } from "@muster/model";
import type { CoordinatorAddress } from "./address.ts";

/** `why`: what stands between us and it. */
export function unreachable(address: CoordinatorAddress, why: string): MusterError {
  return new MusterError("unreachable", `cannot reach the coordinator at ${address.shown}`, {
    cause: new Error(why),
    hint: checkFirst(address),
  });
}

function checkFirst(address: CoordinatorAddress): string {
  if (address.kind === "unix") {
    return [
      "see `systemctl status muster-coordinator` on this machine;",
      "for a coordinator on another one give --coordinator https://HOST:7443 --identity DIR",
    ].join(" ");
  }
  return [
    `check that ${address.host} is the coordinator's machine, that muster-coordinator runs there,`,
    `that nothing blocks port ${String(address.port)} and that --identity belongs to this cluster`,
  ].join(" ");
}
