/**
 * What `muster host invite` prints and `muster-agent join` takes: everything a machine needs to find its cluster,
 * to know it when it answers, and to be let in once. "muster1.<base64url of JSON>.<checksum>".
 */
import { invalid } from "./errors.ts";
import { parseInviteId, type InviteId } from "./ids.ts";
import { parseName } from "./names.ts";

export interface JoinString {
  /** Of the coordinator, "https://10.0.0.1:7443", tried in order. */
  readonly addresses: readonly string[];
  /** SHA-256 of the authority's certificate, 64 hexadecimal digits in lower case. */
  readonly authorityFingerprint: string;
  /** The only name a host can join by it. */
  readonly hostName: string;
  readonly inviteId: InviteId;
  /** Works once. */
  readonly secret: string;
  /** RFC 3339. */
  readonly expiresAt: string;
}

const PREFIX = "muster1.";
const FIELD = "join string";
const COPY_AGAIN = "copy the whole line that `muster host invite` printed";
/** With some dozen addresses it has a thousand. */
const LENGTH_MAX = 16_384;

export function encodeJoinString(join: JoinString): string {
  const { addresses, authorityFingerprint, hostName, inviteId, secret, expiresAt } = join;
  const fields = { v: 1, addresses, authorityFingerprint, hostName, inviteId, secret, expiresAt };
  const payload = toBase64Url(new TextEncoder().encode(JSON.stringify(fields)));
  return `${PREFIX}${payload}.${checksumOf(payload)}`;
}

/** Throws `invalid` without ever repeating the secret. White space, as from a wrapped line, does not matter. */
export function parseJoinString(text: string): JoinString {
  const compact = text.replaceAll(/\s/g, "");
  if (compact === "") throw invalid(FIELD, "is empty", COPY_AGAIN);
  if (compact.length > LENGTH_MAX) throw invalid(FIELD, "is too long to be one", COPY_AGAIN);
  if (!compact.startsWith(PREFIX)) throw foreignPrefix(compact);
  const [payload, checksum, ...rest] = compact.slice(PREFIX.length).split(".");
  if (payload === undefined || checksum?.length !== CHECKSUM_LENGTH || rest.length > 0) {
    throw invalid(FIELD, "is not complete", COPY_AGAIN);
  }
  if (checksum !== checksumOf(payload)) throw invalid(FIELD, "is damaged", COPY_AGAIN);
  return readFields(parseJson(payload));
}

function foreignPrefix(text: string): Error {
  const version = /^muster(\d{1,4})\./.exec(text)?.[1];
  if (version === undefined) return invalid(FIELD, `does not begin with "${PREFIX}"`, COPY_AGAIN);
  return invalid(
    FIELD,
    `is of version ${version}, this program understands version 1`,
    "install the muster-agent that belongs to the coordinator",
  );
}

function parseJson(payload: string): Readonly<Record<string, unknown>> {
  let fields: unknown;
  try {
    fields = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(fromBase64Url(payload)));
  } catch {
    // The parser's words would quote the secret.
    throw invalid(FIELD, "cannot be decoded", COPY_AGAIN);
  }
  if (typeof fields !== "object" || fields === null) throw invalid(FIELD, "has no fields");
  return fields as Readonly<Record<string, unknown>>;
}

function readFields(fields: Readonly<Record<string, unknown>>): JoinString {
  const addresses: unknown = fields["addresses"];
  const isList = Array.isArray(addresses) && addresses.every((item) => typeof item === "string");
  if (!isList || addresses.length === 0) throw invalid(FIELD, "names no coordinator");
  const authorityFingerprint = readText(fields, "authorityFingerprint");
  if (!/^[0-9a-f]{64}$/.test(authorityFingerprint)) {
    throw invalid(FIELD, "has no fingerprint of an authority");
  }
  const expiresAt = readText(fields, "expiresAt");
  if (Number.isNaN(Date.parse(expiresAt))) throw invalid(FIELD, "does not say when it expires");
  return {
    addresses,
    authorityFingerprint,
    hostName: parseName(readText(fields, "hostName"), "host name"),
    inviteId: parseInviteId(readText(fields, "inviteId")),
    secret: readText(fields, "secret"),
    expiresAt,
  };
}

function readText(fields: Readonly<Record<string, unknown>>, name: string): string {
  const value = fields[name];
  if (typeof value !== "string" || value === "") throw invalid(FIELD, `has no ${name}`);
  return value;
}

function toBase64Url(bytes: Uint8Array): string {
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function fromBase64Url(text: string): Uint8Array {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

const CHECKSUM_LENGTH = 8;

/** CRC-32 as in Ethernet: finds what goes wrong when people copy; the secret guards against the rest. */
function checksumOf(text: string): string {
  let remainder = 0xffff_ffff;
  for (let index = 0; index < text.length; index += 1) {
    remainder ^= text.charCodeAt(index) & 0xff;
    for (let bit = 0; bit < 8; bit += 1) {
      remainder = (remainder >>> 1) ^ (0xedb8_8320 & -(remainder & 1));
    }
  }
  return ((remainder ^ 0xffff_ffff) >>> 0).toString(16).padStart(CHECKSUM_LENGTH, "0");
}
