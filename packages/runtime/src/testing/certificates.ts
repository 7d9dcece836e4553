/** Authorities and certificates for tests. */
import { randomBytes } from "node:crypto";
import type { TlsIdentity } from "../tls/identity.ts";
import {
  createAuthority,
  issueCertificate,
  newPrivateKey,
  publicKeyOf,
  type CertificateAndKey,
} from "../tls/issue.ts";
import type { CertificateRole } from "../tls/role.ts";

const HOUR_MS = 3_600_000;

/** Hours from now, negative for the past. */
export const hoursFromNow = (hours: number): Date => new Date(Date.now() + hours * HOUR_MS);

export async function aAuthority(): Promise<CertificateAndKey> {
  return createAuthority({
    commonName: "muster test authority",
    validFrom: hoursFromNow(-1),
    validTo: hoursFromNow(24),
    serial: randomBytes(16),
  });
}

export interface IdentityWish {
  readonly role: CertificateRole;
  readonly id?: string;
  readonly validToHours?: number;
}

/** A fresh key with a certificate of the authority. */
export async function aIdentity(
  authority: CertificateAndKey,
  wish: IdentityWish,
): Promise<TlsIdentity> {
  const privateKey = newPrivateKey();
  const certificate = await issueCertificate({
    authority,
    publicKey: publicKeyOf(privateKey),
    commonName: "test",
    subject: { role: wish.role, id: wish.id ?? "11111111-1111-4111-8111-111111111111" },
    dnsNames: ["localhost"],
    ipAddresses: ["127.0.0.1"],
    validFrom: hoursFromNow(-2),
    validTo: hoursFromNow(wish.validToHours ?? 24),
    serial: randomBytes(16),
  });
  return {
    privateKey,
    certificate: certificate + authority.certificate,
    authority: authority.certificate,
  };
}
