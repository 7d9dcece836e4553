/**
 * Asks a server which authority it claims, before anything is told to it. The answer counts only because its
 * fingerprint was known beforehand, and proves nothing about the server: connect with the authority as trust next.
 */
import { X509Certificate } from "node:crypto";
import { connect as connectTls, type DetailedPeerCertificate } from "node:tls";
import { MusterError } from "@muster/model";
import { parseRpcAddress, renderRpcAddress } from "../grpc/address.ts";
import { systemReason } from "../grpc/diagnose.ts";
import { TLS_VERSION_MIN } from "./identity.ts";
import { fingerprintOf } from "./issue.ts";

export interface FoundAuthority {
  /** PEM. */
  readonly authority: string;
  /** The address that showed it. */
  readonly address: string;
}

/**
 * The first address that shows a certificate with this fingerprint. Throws `unauthenticated` when somebody else
 * answers, `unreachable` when nobody does; the reasons say what each address did.
 */
export async function fetchAuthority(options: {
  readonly addresses: readonly string[];
  /** SHA-256 of the authority's certificate, hexadecimal in lower case. */
  readonly fingerprint: string;
  /** For each address. */
  readonly timeoutMs: number;
}): Promise<FoundAuthority> {
  const reasons: string[] = [];
  let isAnswered = false;
  for (const text of options.addresses) {
    const address = parseRpcAddress(text);
    if (address.kind !== "tls") throw new MusterError("invalid", `${text} is not an https address`);
    const shown = renderRpcAddress(address);
    const answer = await showCertificates(address, options.timeoutMs);
    if ("problem" in answer) {
      reasons.push(`${shown}: ${answer.problem}`);
      continue;
    }
    isAnswered = true;
    const found = answer.chain.find((der) => fingerprintOf(der) === options.fingerprint);
    if (found !== undefined) {
      return { authority: new X509Certificate(found).toString(), address: shown };
    }
    reasons.push(`${shown}: answers, but belongs to another authority`);
  }
  const code = isAnswered ? "unauthenticated" : "unreachable";
  throw new MusterError(code, "the coordinator that made the join string was not found", {
    reasons,
  });
}

type Answer = { readonly chain: readonly Buffer[] } | { readonly problem: string };

/** Chains of ours have two; whoever shows more than this shows them to waste our time. */
const CHAIN_LENGTH_MAX = 8;

async function showCertificates(
  address: { readonly host: string; readonly port: number },
  timeoutMs: number,
): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connectTls({
      host: address.host,
      port: address.port,
      minVersion: TLS_VERSION_MIN,
      ALPNProtocols: ["h2"],
      // Nothing is sent over this connection, and what it shows is compared with the fingerprint.
      rejectUnauthorized: false,
    });
    const finish = (answer: Answer): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => {
      finish({ problem: "no answer" });
    }, timeoutMs);
    socket.on("error", (error) => {
      finish({ problem: systemReason(error) });
    });
    socket.once("secureConnect", () => {
      finish({ chain: chainOf(socket.getPeerCertificate(true)) });
    });
  });
}

function chainOf(leaf: DetailedPeerCertificate): readonly Buffer[] {
  const chain: Buffer[] = [];
  let current: DetailedPeerCertificate | undefined = leaf;
  while (current?.raw !== undefined && chain.length < CHAIN_LENGTH_MAX) {
    chain.push(current.raw);
    // The end of a chain is its own issuer.
    current = current.issuerCertificate === current ? undefined : current.issuerCertificate;
  }
  return chain;
}
