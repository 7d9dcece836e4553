/**
 * Which certificates may speak for a host. PURE. A renewal's answer can get lost, so the old certificate counts
 * until the new one was seen in use; from then on whoever shows the old one has a copy.
 */
import type { HostRecord } from "@muster/model";
import type { IssuedCertificate } from "./authority.ts";

/** `usedSerial`: of the certificate that asked for the renewal. */
export function renewed(
  host: HostRecord,
  usedSerial: string,
  issued: Pick<IssuedCertificate, "serial" | "expiresAt">,
): HostRecord {
  return {
    ...host,
    certificateSerial: issued.serial,
    previousCertificateSerial: usedSerial,
    certificateExpiresAt: issued.expiresAt,
  };
}

/** The record after a call with this certificate; the same object when nothing changes. */
export function usedCertificate(host: HostRecord, serial: string): HostRecord {
  if (host.previousCertificateSerial === undefined) return host;
  if (serial !== host.certificateSerial) return host;
  const { previousCertificateSerial: _forgotten, ...rest } = host;
  return rest;
}
