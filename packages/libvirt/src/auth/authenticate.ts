import type { Connection } from "../connection.ts";
import { AuthenticationError } from "../errors.ts";
import type { CallOptions } from "../pending-call.ts";
import { callRemote } from "../procedures.ts";
import { authenticateSasl } from "./sasl.ts";
import type { Credentials } from "./scram.ts";

/** remote_auth_type */
const authType = { none: 0, sasl: 1, polkit: 2 } as const;

/** Does what the daemon asks for first on every connection. Rejects with AuthenticationError or LibvirtError. */
export async function authenticate(
  connection: Connection,
  credentials: Credentials | undefined,
  options: CallOptions,
): Promise<void> {
  const { types } = await callRemote(connection, "authList", {}, options);
  const [first = authType.none] = types;
  if (first === authType.none) return;
  if (first === authType.sasl) {
    return authenticateSasl(connection, credentials, options);
  }
  if (first === authType.polkit) {
    const { complete } = await callRemote(connection, "authPolkit", {}, options);
    if (complete !== 1) throw new AuthenticationError("polkit did not allow the connection");
    return;
  }
  throw new AuthenticationError(`the daemon wants authentication of type ${first}`);
}
