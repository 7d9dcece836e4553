/** Says why a coordinator cannot be reached. grpc-js only knows that it cannot, so this looks for itself. */
import { connect as connectTcp } from "node:net";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import { TLS_VERSION_MIN, type ClientTrust } from "../tls/identity.ts";
import { coordinatorProblem } from "./coordinator-problem.ts";
import type { RpcAddress } from "./address.ts";

const SYSTEM_REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such socket: is the coordinator running on this machine?",
  EACCES: "permission denied: only the coordinator's own user and root may use this socket",
  ECONNREFUSED: "connection refused: is the coordinator running?",
  ENOTFOUND: "no such host name",
  EAI_AGAIN: "the host name cannot be looked up now",
  EHOSTUNREACH: "no route to this address",
  ENETUNREACH: "no route to this network",
  ETIMEDOUT: "no answer",
  ECONNRESET: "the other side broke the connection off",
};

export async function diagnose(
  address: RpcAddress,
  trust: ClientTrust | undefined,
  timeoutMs: number,
): Promise<string> {
  if (address.kind === "unix") return diagnoseSocket(address.path, timeoutMs);
  return diagnoseTls(address, trust, timeoutMs);
}

async function diagnoseSocket(path: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTcp({ path });
    const finish = (reason: string): void => {
      socket.destroy();
      resolve(reason);
    };
    socket.setTimeout(timeoutMs, () => {
      finish("no answer");
    });
    socket.once("error", (error) => {
      finish(systemReason(error));
    });
    socket.once("connect", () => {
      finish("something listens there that is not a coordinator");
    });
  });
}

async function diagnoseTls(
  address: { readonly host: string; readonly port: number },
  trust: ClientTrust | undefined,
  timeoutMs: number,
): Promise<string> {
  const { host, port } = address;
  const options: ConnectionOptions = {
    host,
    port,
    minVersion: TLS_VERSION_MIN,
    rejectUnauthorized: false,
    ALPNProtocols: ["h2"],
    // Names do not matter, roles do: see coordinator-problem.ts.
    checkServerIdentity: () => undefined,
    ...(trust === undefined ? {} : { ca: trust.authority }),
  };
  return new Promise((resolve) => {
    const socket = connectTls(options);
    const finish = (reason: string): void => {
      socket.destroy();
      resolve(reason);
    };
    const timer = setTimeout(() => {
      finish("no answer");
    }, timeoutMs);
    socket.once("close", () => {
      clearTimeout(timer);
    });
    socket.once("error", (error) => {
      finish(systemReason(error));
    });
    socket.once("secureConnect", () => {
      finish(
        trust === undefined ? "its certificate is not known" : certificateReason(socket, trust),
      );
    });
  });
}

function certificateReason(socket: TLSSocket, trust: ClientTrust): string {
  if (!socket.authorized) {
    // Node's types say Error; what Node sets is the error's code.
    const problem = String(socket.authorizationError);
    return `its certificate was not issued by the cluster's authority, or has expired (${problem})`;
  }
  const problem = coordinatorProblem(socket.getPeerCertificate().subjectaltname, trust);
  if (problem !== undefined) return problem.message;
  if (socket.alpnProtocol !== "h2") return "it does not speak gRPC";
  return "it answers, but did not answer in time";
}

/** What a system error means to people. */
export function systemReason(error: Error): string {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const known = SYSTEM_REASONS[code];
  if (known !== undefined) return known;
  if (code.startsWith("ERR_SSL")) return `it does not speak TLS as we do (${error.message})`;
  return error.message;
}
