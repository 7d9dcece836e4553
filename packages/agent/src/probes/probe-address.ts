/** Where a host answers probes. Pure. */
import { createHash } from "node:crypto";
import type { HostId } from "@muster/model";

/**
 * Link-local, made of the host's id: every host knows every other's without being told, no address of the site is
 * used, and no router carries it anywhere. The second-lowest bit of the first octet stays 0, as in addresses that
 * are not made of a card's.
 */
export function probeAddress(hostId: HostId): string {
  const octets = createHash("sha256").update(`muster probe ${hostId}`).digest().subarray(0, 8);
  octets[0] = (octets[0] ?? 0) & 0xfd;
  const groups = [0, 2, 4, 6].map((at) => octets.readUInt16BE(at).toString(16));
  return `fe80::${groups.join(":")}`;
}
