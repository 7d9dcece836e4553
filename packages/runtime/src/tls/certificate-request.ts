/**
 * A new key and a PKCS#10 request for a certificate. Written by hand, against the rule, because the library that
 * issues certificates costs 26 MB of memory and this runs in the agent of every hypervisor; the request holds
 * nothing but the key, since the authority ignores everything else in it.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";

export interface KeyAndRequest {
  /** PKCS#8, PEM. */
  readonly privateKey: string;
  /** PEM. */
  readonly request: string;
}

/** A P-256 key and its request. */
export function createCertificateRequest(): KeyAndRequest {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  return { privateKey: pem, request: requestFor(pem) };
}

/** RFC 2986: CertificationRequest with an empty subject and no attributes, signed with ecdsa-with-SHA256. */
function requestFor(privateKeyPem: string): string {
  const privateKey = createPrivateKey(privateKeyPem);
  const publicKeyInfo = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  const version = der(TAG.integer, Buffer.from([0]));
  const subject = der(TAG.sequence);
  const attributes = der(TAG.context0);
  const toBeSigned = der(TAG.sequence, version, subject, publicKeyInfo, attributes);
  const signature = sign("sha256", toBeSigned, { key: privateKey, dsaEncoding: "der" });
  const algorithm = der(TAG.sequence, der(TAG.objectIdentifier, ECDSA_WITH_SHA256));
  const noUnusedBits = Buffer.from([0]);
  const request = der(
    TAG.sequence,
    toBeSigned,
    algorithm,
    der(TAG.bitString, noUnusedBits, signature),
  );
  return pemOf("CERTIFICATE REQUEST", request);
}

const TAG = {
  integer: 0x02,
  bitString: 0x03,
  objectIdentifier: 0x06,
  sequence: 0x30,
  context0: 0xa0,
} as const;

/** 1.2.840.10045.4.3.2 */
const ECDSA_WITH_SHA256 = Buffer.from([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]);

function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), derLength(content.length), content]);
}

function derLength(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  if (length < 0x100) return Buffer.from([0x81, length]);
  return Buffer.from([0x82, length >> 8, length & 0xff]);
}

export function pemOf(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
