/** Where the coordinator is. PURE. */
import { invalid } from "@muster/model";

export const COORDINATOR_PORT_DEFAULT = 7443;
export const COORDINATOR_ADDRESS_DEFAULT = "unix:///run/muster/coordinator.sock";

export type CoordinatorAddress =
  | {
      readonly kind: "unix";
      readonly path: string;
      /** In full, as people and RpcClient read it. */
      readonly shown: string;
    }
  | {
      readonly kind: "tls";
      readonly host: string;
      readonly port: number;
      readonly shown: string;
    };

const FIELD = "coordinator";
const HINT =
  "write unix:///run/muster/coordinator.sock on the coordinator's own machine, or https://HOST:7443 from elsewhere";

/** Throws `invalid` for anything that is neither a local socket nor TLS: plaintext never leaves the machine. */
export function parseCoordinatorAddress(text: string): CoordinatorAddress {
  if (text.startsWith("/")) return unixAddress(text, text);
  if (text.startsWith("unix:")) return unixAddress(text.replace(/^unix:(\/\/)?/, ""), text);
  if (!URL.canParse(text)) throw invalid(FIELD, `"${text.slice(0, 120)}" is not an address`, HINT);
  const url = new URL(text);
  if (url.protocol === "http:") {
    throw invalid(FIELD, "plaintext is never spoken over a network", HINT);
  }
  if (url.protocol !== "https:" || url.hostname === "") {
    throw invalid(FIELD, `"${text.slice(0, 120)}" is not an address`, HINT);
  }
  if ((url.pathname !== "/" && url.pathname !== "") || url.search !== "" || url.username !== "") {
    throw invalid(FIELD, `"${text.slice(0, 120)}" has more than a host and a port`, HINT);
  }
  // URL drops 443 as the default of https.
  const written = /:443\/?$/.test(text) ? 443 : COORDINATOR_PORT_DEFAULT;
  const port = url.port === "" ? written : Number(url.port);
  return {
    kind: "tls",
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port,
    shown: `https://${url.hostname}:${String(port)}`,
  };
}

/** One, or several with commas between them. */
export function parseCoordinatorAddresses(
  text: string,
): readonly [CoordinatorAddress, ...CoordinatorAddress[]] {
  const [first = "", ...others] = text.split(",").map((part) => part.trim());
  return [parseCoordinatorAddress(first), ...others.map(parseCoordinatorAddress)];
}

/** A unix socket's name must fit sockaddr_un; longer ones fail to connect with a puzzling message. */
const UNIX_PATH_BYTES_MAX = 107;

function unixAddress(path: string, shown: string): CoordinatorAddress {
  if (!path.startsWith("/")) throw invalid(FIELD, `"${shown}" is not an absolute path`, HINT);
  if (Buffer.byteLength(path) > UNIX_PATH_BYTES_MAX) {
    throw invalid(FIELD, `the path is longer than ${String(UNIX_PATH_BYTES_MAX)} bytes`, HINT);
  }
  return { kind: "unix", path, shown: `unix://${path}` };
}
