/** What people may call things. */
import { invalid } from "./errors.ts";

const NAME = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;

/**
 * Names of VMs, hosts, networks and storages: they become host names, file names and labels, so they are what
 * RFC 1123 allows, 63 characters at most.
 */
export function parseName(text: string, field: string): string {
  if (text === "") throw invalid(field, "a name is required");
  if (text.length > 63)
    throw invalid(field, `${String(text.length)} characters, at most 63 are allowed`);
  if (!NAME.test(text)) {
    const shown = JSON.stringify(text);
    throw invalid(
      field,
      `${shown} is not a name`,
      "use lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit",
    );
  }
  return text;
}

const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;

/** A unicast MAC address in lower case. */
export function parseMac(text: string, field: string): string {
  const lower = text.toLowerCase();
  if (!MAC.test(lower)) throw invalid(field, `"${text.slice(0, 40)}" is not a MAC address`);
  const firstOctet = Number.parseInt(lower.slice(0, 2), 16);
  if ((firstOctet & 1) === 1) throw invalid(field, `${lower} is a multicast address`);
  return lower;
}

/** VLAN ids 0 and 4095 are reserved by IEEE 802.1Q. */
export function parseVlan(value: number, field: string): number {
  if (!Number.isInteger(value) || value < 1 || value > 4094) {
    throw invalid(field, `${String(value)} is not a VLAN id`, "use 1 to 4094");
  }
  return value;
}

const WORD = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/** Names people give to groups, environments, pools, tenants and values of labels: "PRD", "rack-7". */
export function parseWord(text: string, field: string): string {
  if (WORD.test(text)) return text;
  throw invalid(
    field,
    `${JSON.stringify(text.slice(0, 80))} is not a word`,
    "use 1 to 63 letters, digits, '-', '_' and '.', beginning and ending with a letter or digit",
  );
}

const MAC_OCTET = /^[0-9a-f]{2}$/;

/** The first octets of unicast MAC addresses: "52:54:00". Lower case. */
export function parseMacPrefix(
  text: string,
  field: string,
  octets: { readonly min: number; readonly max: number },
): string {
  const parts = text.toLowerCase().split(":");
  const { min, max } = octets;
  if (!parts.every((part) => MAC_OCTET.test(part)) || parts.length < min || parts.length > max) {
    const count = min === max ? String(min) : `${String(min)} to ${String(max)}`;
    const shown = JSON.stringify(text.slice(0, 40));
    throw invalid(field, `${shown} is not ${count} octets`, 'write them like "52:54"');
  }
  if ((Number.parseInt(parts[0] ?? "", 16) & 1) === 1) {
    throw invalid(field, `${text} begins multicast addresses`, "use an even first octet");
  }
  return parts.join(":");
}

/** The kernel's limit for a device's name. */
const DEVICE_NAME_MAX_CHARACTERS = 15;
/** What the kernel takes, without what iproute2 or ovs-vsctl read as something else. */
const DEVICE_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;

export function parseDeviceName(text: string, field: string): string {
  if (text.length <= DEVICE_NAME_MAX_CHARACTERS && DEVICE_NAME.test(text)) return text;
  throw invalid(
    field,
    `${JSON.stringify(text.slice(0, 40))} is not a network device's name`,
    `use letters, digits, '_', '.' and '-', at most ${String(DEVICE_NAME_MAX_CHARACTERS)}`,
  );
}

const DOMAIN = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;
/** RFC 1035 allows 253 characters; a VM's name and a dot come before it. */
const DOMAIN_MAX_CHARACTERS = 189;

/** A domain that names are made in, without the dot at the end. Lower case. */
export function parseDomain(text: string, field: string): string {
  const lower = text.toLowerCase();
  if (lower.length <= DOMAIN_MAX_CHARACTERS && DOMAIN.test(lower)) return lower;
  throw invalid(field, `${JSON.stringify(text.slice(0, 80))} is not a domain name`);
}
