/** Names of what we make for an uplink: readable where they fit, distinct always. Pure but for a hash. */
import { createHash } from "node:crypto";

/** The kernel's limit for a device's name. */
const NAME_MAX = 15;
const HASH_LENGTH = 6;

/** The label, or as much of it as fits with a hash of the whole. */
function shortLabel(label: string, max: number): string {
  if (label.length <= max) return label;
  const hash = createHash("sha256").update(label).digest("hex").slice(0, HASH_LENGTH);
  return `${label.slice(0, Math.max(0, max - HASH_LENGTH))}${hash}`;
}

/** "mb-lan": the bridge that carries the networks on an uplink. */
export const bridgeName = (label: string): string => `mb-${shortLabel(label, NAME_MAX - 3)}`;

/** "mv-lan": the beginning of a bridge's name that carries one VLAN of an uplink; with "-4094" it still fits. */
export const vlanBridgeStem = (label: string): string =>
  `mv-${shortLabel(label, NAME_MAX - 3 - 1 - "-4094".length)}`;

/** "eth0.10": a VLAN of a NIC or bond that has addresses of the host. */
export function vlanDeviceName(base: string, vlan: number): string {
  const end = `.${String(vlan)}`;
  return `${shortLabel(base, NAME_MAX - end.length)}${end}`;
}
