/**
 * Makes certificates: the only user of the X.509 library, which is loaded when first needed because only the
 * coordinator issues any. Who gets one, and what it may say, is decided by the coordinator's authority.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  X509Certificate,
  type webcrypto,
} from "node:crypto";
import type * as X509Library from "@peculiar/x509";
import { MusterError } from "@muster/model";
import { roleUri, type CertificateSubject } from "./role.ts";

/** A certificate with its key, both PEM. */
export interface CertificateAndKey {
  readonly certificate: string;
  /** PKCS#8. */
  readonly privateKey: string;
}

export interface Validity {
  readonly validFrom: Date;
  readonly validTo: Date;
}

const SIGNATURE = { name: "ECDSA", hash: "SHA-256" } as const;
const CURVE = { name: "ECDSA", namedCurve: "P-256" } as const;

/** A new authority that signs its own certificate. `serial`: 16 random bytes. */
export async function createAuthority(
  options: Validity & { readonly commonName: string; readonly serial: Uint8Array },
): Promise<CertificateAndKey> {
  const x509 = await loadLibrary();
  const privateKey = newPrivateKey();
  const keys = await importKeys(privateKey);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialHex(options.serial),
    name: [{ CN: [options.commonName] }],
    notBefore: options.validFrom,
    notAfter: options.validTo,
    signingAlgorithm: SIGNATURE,
    keys,
    extensions: [
      // It signs hosts and people, never another authority.
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: withNewline(certificate.toString("pem")), privateKey };
}

export interface CertificateOrder extends Validity {
  readonly authority: CertificateAndKey;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** For people. */
  readonly commonName: string;
  readonly subject: CertificateSubject;
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  /** 16 random bytes. */
  readonly serial: Uint8Array;
}

/** A leaf certificate, PEM: for servers and clients alike, or for clients only, as its role needs. */
export async function issueCertificate(order: CertificateOrder): Promise<string> {
  const x509 = await loadLibrary();
  const authority = await importKeys(order.authority.privateKey);
  const issuer = new x509.X509Certificate(order.authority.certificate);
  const names = [
    { type: "url", value: roleUri(order.subject) } as const,
    ...(order.dnsNames ?? []).map((value) => ({ type: "dns", value }) as const),
    ...(order.ipAddresses ?? []).map((value) => ({ type: "ip", value }) as const),
  ];
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
  const isServer = order.subject.role === "coordinator" || order.subject.role === "host";
  const extensions: X509Library.Extension[] = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension(isServer ? [serverAuth, clientAuth] : [clientAuth]),
    new x509.SubjectAlternativeNameExtension(names),
    await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
  ];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialHex(order.serial),
    subject: [{ CN: [order.commonName] }],
    issuer: issuer.subjectName,
    notBefore: order.validFrom,
    notAfter: order.validTo,
    publicKey: Buffer.from(order.publicKey),
    signingKey: authority.privateKey,
    signingAlgorithm: SIGNATURE,
    extensions,
  });
  return withNewline(certificate.toString("pem"));
}

/** Characters of a request; ours has 400. */
const REQUEST_LENGTH_MAX = 16_384;

/**
 * The public key of a PKCS#10 request whose sender proved to own it, as SubjectPublicKeyInfo. Everything else in
 * the request is ignored. Throws `invalid`.
 */
export async function readCertificateRequest(pem: string): Promise<Uint8Array> {
  const x509 = await loadLibrary();
  if (pem.length > REQUEST_LENGTH_MAX) throw badRequest("it is too long");
  let publicKey: Buffer;
  let isSigned: boolean;
  try {
    const request = new x509.Pkcs10CertificateRequest(pem);
    publicKey = Buffer.from(request.publicKey.rawData);
    isSigned = await request.verify();
  } catch (cause) {
    throw badRequest("it is not PKCS#10 in PEM form", cause);
  }
  if (!isSigned) throw badRequest("it is not signed with its own key");
  if (!isP256(publicKey)) throw badRequest("its key is not a P-256 key");
  return publicKey;
}

/** A new P-256 key, PKCS#8 in PEM form. */
export function newPrivateKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

/** SubjectPublicKeyInfo of a private key, DER. */
export function publicKeyOf(privateKeyPem: string): Uint8Array {
  return createPublicKey(createPrivateKey(privateKeyPem)).export({ type: "spki", format: "der" });
}

/** SHA-256 over the certificate's DER, hexadecimal in lower case. */
export function fingerprintOf(certificate: string | Uint8Array): string {
  return createHash("sha256").update(new X509Certificate(certificate).raw).digest("hex");
}

/** The serial number as records keep it: hexadecimal in lower case. */
export const serialOf = (certificate: X509Certificate): string =>
  certificate.serialNumber.toLowerCase();

function badRequest(problem: string, cause?: unknown): MusterError {
  return new MusterError("invalid", `certificate request: ${problem}`, { cause });
}

function isP256(publicKey: Buffer): boolean {
  const key = createPublicKey({ key: publicKey, format: "der", type: "spki" });
  return key.asymmetricKeyType === "ec" && key.asymmetricKeyDetails?.namedCurve === "prime256v1";
}

/** First byte between 40 and 7f: positive, and the same text whoever prints it. */
function serialHex(serial: Uint8Array): string {
  const bytes = Buffer.from(serial);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString("hex");
}

async function importKeys(privateKeyPem: string): Promise<webcrypto.CryptoKeyPair> {
  const pkcs8 = createPrivateKey(privateKeyPem).export({ type: "pkcs8", format: "der" });
  const { subtle } = globalThis.crypto;
  const publicKey = Buffer.from(publicKeyOf(privateKeyPem));
  return {
    privateKey: await subtle.importKey("pkcs8", pkcs8, CURVE, false, ["sign"]),
    publicKey: await subtle.importKey("spki", publicKey, CURVE, true, ["verify"]),
  };
}

const withNewline = (pem: string): string => (pem.endsWith("\n") ? pem : `${pem}\n`);

async function loadLibrary(): Promise<typeof X509Library> {
  // The library's dependency injection refuses to load without it.
  await import("reflect-metadata");
  return import("@peculiar/x509");
}
