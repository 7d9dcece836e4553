/** Where a coordinator is, as people write it. PURE. */
import { invalid } from "@muster/model";

export type RpcAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tls"; readonly host: string; readonly port: number };

export const COORDINATOR_PORT = 7443;

/** "unix:///run/muster/coordinator.sock", "https://host:7443", "host:7443", "host", "[::1]:7443". */
export function parseRpcAddress(text: string): RpcAddress {
  if (text.startsWith("unix://")) return { kind: "unix", path: text.slice("unix://".length) };
  const match = /^(?:https:\/\/)?(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?\/?$/.exec(
    text,
  );
  const host = match?.[1]?.replace(/^\[|\]$/g, "");
  const port = match?.[2] === undefined ? COORDINATOR_PORT : Number(match[2]);
  if (host === undefined || port < 1 || port > 65_535) {
    throw invalid(
      "address",
      `"${text.slice(0, 120)}" is not an address`,
      "write https://HOST:PORT, or unix:///PATH on the coordinator's own machine",
    );
  }
  return { kind: "tls", host, port };
}

export function renderRpcAddress(address: RpcAddress): string {
  if (address.kind === "unix") return `unix://${address.path}`;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `https://${host}:${String(address.port)}`;
}
