/** Where a migration goes: what its URI says, and whether anybody is there. */
import { connect, type Socket } from "node:net";
import { MusterError } from "@muster/model";
import type { Clock } from "@muster/runtime";
import { raceAbort } from "../race-abort.ts";

/**
 * libvirt's own attempt to connect blocks for two minutes when packets are dropped, holding the domain's job all the
 * while; a target that does not answer a SYN in this time is not one to send a guest to.
 */
const REACH_LIMIT_MS = 3_000;

const defaultPorts: Readonly<Record<string, number>> = { tcp: 16_509, tls: 16_514, ssh: 22 };

export interface TargetEndpoint {
  readonly host: string;
  readonly port: number;
}

/** Undefined for URIs without a host, which stay on this machine. */
export function endpointOfUri(uri: string): TargetEndpoint | undefined {
  const match =
    /^[a-z]+(?:\+([a-z]+))?:\/\/(?:[^@/]*@)?(?:\[([^\]]+)\]|([^/:?#]*))(?::(\d{1,5}))?/i.exec(uri);
  if (match === null) {
    throw new MusterError("invalid", `target "${uri.slice(0, 200)}" is not a libvirt URI`);
  }
  const host = match[2] ?? match[3] ?? "";
  if (host === "") return undefined;
  const port = match[4] === undefined ? defaultPorts[match[1] ?? "tls"] : Number(match[4]);
  return port === undefined ? undefined : { host, port };
}

/** "unreachable" when nobody accepts a connection at the URI's address. */
export async function checkReachable(
  uri: string,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  const endpoint = endpointOfUri(uri);
  if (endpoint === undefined) return;
  const timeUp = new AbortController();
  const slept = clock.sleep(REACH_LIMIT_MS, timeUp.signal).then(
    () => {
      timeUp.abort(new Error(`no answer within ${String(REACH_LIMIT_MS)} ms`));
    },
    // It answered first: the sleep was aborted below.
    () => undefined,
  );
  const socket = connect(endpoint);
  try {
    await raceAbort(connected(socket), AbortSignal.any([timeUp.signal, signal]));
  } catch (cause) {
    if (signal.aborted) throw new MusterError("cancelled", "the migration was cancelled");
    throw new MusterError("unreachable", `cannot reach the target's libvirt at ${uri}`, {
      cause,
      hint: `does its libvirtd listen on ${endpoint.host} port ${String(endpoint.port)}?`,
    });
  } finally {
    socket.destroy();
    timeUp.abort(new Error("it answered"));
    await slept;
  }
}

const connected = (socket: Socket): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    // Stays on: destroying a socket that is still connecting may report once more.
    socket.on("error", reject);
  });
