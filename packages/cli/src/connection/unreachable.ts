/** What to say, and what to check, when the coordinator does not answer. */
import { accessSync, constants } from "node:fs";
import { MusterError } from "@muster/model";
import type { CoordinatorAddress } from "./address.ts";

/** `cause`: gRPC's words, around the operating system's or TLS's own. */
export function unreachable(address: CoordinatorAddress, cause: string): MusterError {
  const options = { cause: new Error(lastWords(cause)), hint: checkFirst(address) };
  return new MusterError(
    "unreachable",
    `cannot reach the coordinator at ${address.shown}`,
    options,
  );
}

/** What the operating system said, out of gRPC's "No connection established. Last error: Error: ...". */
const lastWords = (text: string): string =>
  text
    .replace(/^No connection established\. Last error: (Error: )?/, "")
    .replace(/\.? Resolution note: *$/, "");

function checkFirst(address: CoordinatorAddress): string {
  if (address.kind === "tls") {
    return [
      `check that ${address.host} is the coordinator's machine, that muster-coordinator runs there`,
      `and that nothing blocks port ${String(address.port)};`,
      "if TLS is refused, that --identity belongs to this cluster and has not run out",
    ].join(" ");
  }
  const elsewhere =
    "for a coordinator on another machine give --coordinator https://HOST:7443 --identity DIR";
  const problem = socketProblem(address.path);
  if (problem === "ENOENT") {
    return `there is no such socket: is muster-coordinator running here (systemctl status muster-coordinator)? ${elsewhere}`;
  }
  if (problem === "EACCES") {
    return `you may not open ${address.path}: run muster as root or as a member of the socket's group`;
  }
  return `the socket is there but nobody answers: is muster-coordinator running (systemctl status muster-coordinator)? ${elsewhere}`;
}

/** The error code of opening the socket's name, or undefined when it may be opened. */
function socketProblem(path: string): string | undefined {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return undefined;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "unknown";
  }
}
