/**
 * libvirt's connection URIs: `driver[+transport]://[user@][host][:port]/[path][?parameters]`.
 *
 * A local URI goes to the split daemon of its driver (virtqemud, virtnetworkd, …) if its socket is there, otherwise
 * to libvirtd.
 */
import type { Endpoint } from "./transport/dial.ts";

export interface ParsedUri {
  /** What the daemon is asked to open: the URI without transport, host and our parameters. */
  readonly name: string;
  readonly transport: "unix" | "tcp" | "tls";
  readonly host: string | null;
  readonly port: number | null;
  /** From `?socket=`. */
  readonly socketPath: string | null;
  /** From `?mode=`: which daemon a local URI means. */
  readonly mode: "auto" | "direct" | "legacy";
  /** From `?pkipath=`: a directory with cacert.pem, clientcert.pem and clientkey.pem. */
  readonly pkiPath: string | null;
  readonly driver: string;
}

/** The URI is not one that this library can dial. */
export class UriError extends Error {
  override readonly name = "UriError";
}

const TCP_PORT = 16_509;
const TLS_PORT = 16_514;
const LEGACY_SOCKET = "/run/libvirt/libvirt-sock";

/** Drivers with a daemon of their own in split installations. */
const SPLIT_DAEMONS: Readonly<Record<string, string>> = {
  qemu: "virtqemud",
  network: "virtnetworkd",
  storage: "virtstoraged",
  secret: "virtsecretd",
  nodedev: "virtnodedevd",
  nwfilter: "virtnwfilterd",
  interface: "virtinterfaced",
  lxc: "virtlxcd",
  xen: "virtxend",
  vbox: "virtvboxd",
  bhyve: "virtbhyved",
};

/** Parameters for the client; all others are for the daemon's driver. */
const OWN_PARAMETERS = [
  "socket",
  "mode",
  "pkipath",
  "name",
  "no_verify",
  "no_tty",
  "auth",
  "sshauth",
];

/** Parses a URI. Throws UriError; for example ssh is not a transport of this library. */
export function parseUri(text: string): ParsedUri {
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new UriError(`"${text}" is not a URI`, { cause });
  }
  const [driver = "", named] = url.protocol.slice(0, -1).split("+");
  const transport = named ?? (url.hostname ? "tls" : "unix");
  if (transport !== "unix" && transport !== "tcp" && transport !== "tls") {
    throw new UriError(`"${text}" wants transport ${transport}; there are unix, tcp and tls`);
  }
  const parameters = url.searchParams;
  const mode = parameters.get("mode") ?? "auto";
  if (mode !== "auto" && mode !== "direct" && mode !== "legacy") {
    throw new UriError(`"${text}" wants mode ${mode}; there are auto, direct and legacy`);
  }
  return {
    name: parameters.get("name") ?? daemonUri(driver, url),
    transport,
    host: url.hostname ? url.hostname.replace(/^\[(.*)\]$/, "$1") : null,
    port: url.port ? Number(url.port) : null,
    socketPath: parameters.get("socket"),
    mode,
    pkiPath: parameters.get("pkipath"),
    driver,
  };
}

/** `qemu+tls://host/system?pkipath=/x` is `qemu:///system` to the daemon behind it. */
function daemonUri(driver: string, url: URL): string {
  const kept = new URLSearchParams(url.searchParams);
  for (const name of OWN_PARAMETERS) kept.delete(name);
  const query = kept.toString();
  return `${driver}://${url.pathname || "/"}${query ? `?${query}` : ""}`;
}

/** Where to dial. `exists` answers whether a socket file is there. */
export function endpointOf(uri: ParsedUri, exists: (path: string) => boolean): Endpoint {
  const host = uri.host ?? "localhost";
  if (uri.transport === "tcp") return { kind: "tcp", host, port: uri.port ?? TCP_PORT };
  if (uri.transport === "tls") return { kind: "tls", host, port: uri.port ?? TLS_PORT };
  if (uri.socketPath !== null) return { kind: "unix", path: uri.socketPath };
  return { kind: "unix", path: localSocket(uri, exists) };
}

function localSocket({ driver, mode }: ParsedUri, exists: (path: string) => boolean): string {
  const daemon = SPLIT_DAEMONS[driver];
  if (daemon === undefined || mode === "legacy") return LEGACY_SOCKET;
  const direct = `/run/libvirt/${daemon}-sock`;
  return mode === "direct" || exists(direct) ? direct : LEGACY_SOCKET;
}
