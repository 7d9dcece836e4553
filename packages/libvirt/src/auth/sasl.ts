import type { Connection } from "../connection.ts";
import { AuthenticationError } from "../errors.ts";
import type { CallOptions } from "../pending-call.ts";
import { callRemote } from "../procedures.ts";
import { ScramClient, type Credentials } from "./scram.ts";

const MECHANISM = "SCRAM-SHA-256";
const NONCE_BYTES = 18;

interface Step {
  readonly complete: number;
  readonly data: Uint8Array;
}

/** Rejects with AuthenticationError, or with libvirt's error "authFailed". */
export async function authenticateSasl(
  connection: Connection,
  credentials: Credentials | undefined,
  options: CallOptions,
): Promise<void> {
  const { mechlist } = await callRemote(connection, "authSaslInit", {}, options);
  if (!mechlist.split(",").includes(MECHANISM)) {
    throw new AuthenticationError(`the daemon offers ${mechlist}, not ${MECHANISM}`);
  }
  if (!credentials) throw new AuthenticationError("the daemon wants a user name and a password");
  const crypto = await import("node:crypto");
  const nonce = crypto.randomBytes(NONCE_BYTES).toString("base64");
  const scram = new ScramClient(crypto, credentials, nonce);
  const start = { mech: MECHANISM, nil: 0, data: Buffer.from(scram.first()) };
  const challenge: Step = await callRemote(connection, "authSaslStart", start, options);
  const proof = { nil: 0, data: Buffer.from(scram.final(textOf(challenge))) };
  const last: Step = await callRemote(connection, "authSaslStep", proof, options);
  scram.verify(textOf(last));
  if (last.complete) return;
  // SCRAM ends with the server's word; SASL still wants to hear that we have nothing to add.
  const nothing = { nil: 0, data: new Uint8Array(0) };
  const end: Step = await callRemote(connection, "authSaslStep", nothing, options);
  if (!end.complete) throw new AuthenticationError("the daemon does not end the exchange");
}

function textOf({ data }: Step): string {
  return Buffer.from(data).toString("utf8").replace(/\0$/, "");
}
