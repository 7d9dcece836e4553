import type { Duplex } from "node:stream";
import { existsSync, readFileSync } from "./builtins.ts";
import { authenticate } from "./auth/authenticate.ts";
import type { Credentials } from "./auth/scram.ts";
import { Connection } from "./connection.ts";
import { driverFeature } from "./features.ts";
import type { KeepaliveOptions } from "./keepalive.ts";
import { Hypervisor } from "./objects/hypervisor/hypervisor.ts";
import type { CallOptions } from "./pending-call.ts";
import { connectFlags } from "./protocol/generated/flags.ts";
import { bitsOf } from "./protocol/names.ts";
import { callRemote } from "./procedures.ts";
import { Session } from "./session.ts";
import { dial, type Endpoint, type TlsMaterial } from "./transport/dial.ts";
import { transportOf, type Transport } from "./transport/transport.ts";
import { endpointOf, parseUri } from "./uri.ts";

/** A libvirt URI, or a socket by its path, or a byte stream of any other origin. */
export type ConnectTarget =
  | string
  | { readonly socketPath: string; readonly uri?: string | undefined }
  | {
      readonly dial: (signal: AbortSignal) => Promise<Duplex>;
      readonly uri?: string | undefined;
    };

export interface ConnectOptions {
  /** Opens read-only: the daemon refuses calls that change something. */
  readonly readOnly?: boolean | undefined;
  /** Gives up connecting. */
  readonly signal?: AbortSignal | undefined;
  /** For opening one connection, handshakes included: 15000 ms by default. */
  readonly connectTimeoutMs?: number | undefined;
  /** Default deadline of each call but the long ones: 60000 ms; 0 is none. */
  readonly callTimeoutMs?: number | undefined;
  /** Every 5 s, lost after 5 without an answer, by default. */
  readonly keepalive?: KeepaliveOptions | false | undefined;
  /** Calls in flight on one connection, 4 by default: libvirtd stalls a connection with 5. */
  readonly maxInFlight?: number | undefined;
  /** Connections for calls, 4 by default: others are opened only while calls have no free slot. */
  readonly maxConnections?: number | undefined;
  readonly tls?: TlsMaterial | undefined;
  /** For daemons that want SASL; only SCRAM-SHA-256 is spoken. */
  readonly credentials?: Credentials | undefined;
}

const DEFAULT_URI = "qemu:///system";
const DEFAULTS = {
  connectTimeoutMs: 15_000,
  callTimeoutMs: 60_000,
  keepalive: { intervalMs: 5_000, count: 5 },
  maxInFlight: 4,
  maxConnections: 4,
  patienceMs: 2,
} as const;

interface Plan {
  readonly uri: string;
  /** The bytes cannot be read on their way: a local socket, or TLS. */
  readonly isPrivate: boolean;
  readonly dial: (signal: AbortSignal) => Promise<Transport>;
}

/**
 * virConnectOpenAuth (0.4.0): opens a hypervisor.
 *
 * Rejects with DialError, LibvirtError, AuthenticationError, UriError, or the signal's reason.
 */
export async function connect(
  target: ConnectTarget = DEFAULT_URI,
  options: ConnectOptions = {},
): Promise<Hypervisor> {
  const plan = planOf(target, options);
  const open = (signal?: AbortSignal) => openConnection(plan, options, signal);
  const control = await open(options.signal);
  const session = new Session(control, open, {
    maxConnections: options.maxConnections ?? DEFAULTS.maxConnections,
    callTimeoutMs: options.callTimeoutMs ?? DEFAULTS.callTimeoutMs,
    patienceMs: DEFAULTS.patienceMs,
    isPrivate: plan.isPrivate,
  });
  return new Hypervisor(session);
}

function planOf(target: ConnectTarget, options: ConnectOptions): Plan {
  if (typeof target !== "string") {
    const { uri = DEFAULT_URI } = target;
    if ("dial" in target) {
      const own = target.dial;
      return { uri, isPrivate: false, dial: async (signal) => transportOf(await own(signal)) };
    }
    const endpoint: Endpoint = { kind: "unix", path: target.socketPath };
    return { uri, isPrivate: true, dial: (signal) => dial(endpoint, signal) };
  }
  const uri = parseUri(target);
  const endpoint = endpointOf(uri, existsSync);
  const fixed = { uri: uri.name, isPrivate: endpoint.kind !== "tcp" };
  if (endpoint.kind !== "tls") return { ...fixed, dial: (signal) => dial(endpoint, signal) };
  const material = { ...(uri.pkiPath !== null && readPki(uri.pkiPath)), ...options.tls };
  return { ...fixed, dial: (signal) => dial({ ...endpoint, ...material }, signal) };
}

function readPki(directory: string): TlsMaterial {
  const read = (name: string) => readFileSync(`${directory}/${name}`);
  return { ca: read("cacert.pem"), cert: read("clientcert.pem"), key: read("clientkey.pem") };
}

async function openConnection(
  plan: Plan,
  options: ConnectOptions,
  callerSignal?: AbortSignal,
): Promise<Connection> {
  const timeoutMs = options.connectTimeoutMs ?? DEFAULTS.connectTimeoutMs;
  const deadline = AbortSignal.timeout(timeoutMs);
  const signal = callerSignal ? AbortSignal.any([callerSignal, deadline]) : deadline;
  signal.throwIfAborted();
  const transport = await plan.dial(signal);
  const maxInFlight = options.maxInFlight ?? DEFAULTS.maxInFlight;
  const connection = new Connection(transport, { maxInFlight });
  try {
    const limits: CallOptions = { signal };
    await authenticate(connection, options.credentials, limits);
    await startKeepalive(connection, options, limits);
    const flags = bitsOf(connectFlags, options.readOnly ? ["ro"] : []);
    const args = { name: plan.uri, flags };
    await callRemote(connection, "connectOpen", args, limits);
    return connection;
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

async function startKeepalive(
  connection: Connection,
  options: ConnectOptions,
  limits: CallOptions,
): Promise<void> {
  const keepalive = options.keepalive ?? DEFAULTS.keepalive;
  if (keepalive === false) return;
  // Asking lets the daemon ping us too.
  const args = { feature: driverFeature.programKeepalive };
  const { supported } = await callRemote(connection, "connectSupportsFeature", args, limits);
  if (supported) connection.startKeepalive(keepalive);
}
