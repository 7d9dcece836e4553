/** The kernel's network devices as `ip -j -d addr show` lists them. Pure. */
import { listOf, numberOf, optional, parseJson, recordOf, textOf } from "../json-reader.ts";
import type { JsonRecord } from "../json-reader.ts";

export interface BridgeSettings {
  readonly vlanFiltering: boolean;
  /** 0: a port begins with no VLAN at all. */
  readonly defaultPvid: number;
  readonly multicastSnooping: boolean;
  readonly spanningTree: boolean;
}

export interface KernelLink {
  readonly name: string;
  /** "bridge", "tun", "vlan", "veth", ...; "" for hardware. */
  readonly kind: string;
  readonly alias: string;
  readonly group: string;
  readonly altNames: readonly string[];
  /** The bridge or bond it belongs to. */
  readonly master?: string;
  readonly macAddress: string;
  readonly mtu: number;
  readonly isUp: boolean;
  readonly hasCarrier: boolean;
  /** With prefix length; not those the kernel gives every device by itself (link scope). */
  readonly addresses: readonly string[];
  /** Of a bridge. */
  readonly bridge?: BridgeSettings;
  /** Of a VLAN device: the device it sits on and its id. */
  readonly vlanOn?: { readonly device: string; readonly vlan: number };
}

export const LIST_LINKS: readonly string[] = ["ip", "-j", "-d", "addr", "show"];

export function parseKernelLinks(text: string): ReadonlyMap<string, KernelLink> {
  const what = "the list of network devices";
  const links = listOf(parseJson(text, what), what).map((each) => decodeLink(recordOf(each, what)));
  return new Map(links.map((link) => [link.name, link]));
}

function decodeLink(link: JsonRecord): KernelLink {
  const name = textOf(link["ifname"], "a network device's name");
  const flags = listOf(link["flags"], `flags of ${name}`);
  const info = optional(link["linkinfo"], `details of ${name}`, recordOf) ?? {};
  const kind = optional(info["info_kind"], `kind of ${name}`, textOf) ?? "";
  const data = optional(info["info_data"], `settings of ${name}`, recordOf) ?? {};
  const master = optional(link["master"], `master of ${name}`, textOf);
  const altNames = optional(link["altnames"], `other names of ${name}`, listOf) ?? [];
  return {
    name,
    kind,
    alias: optional(link["ifalias"], `alias of ${name}`, textOf) ?? "",
    group: optional(link["group"], `group of ${name}`, textOf) ?? "",
    altNames: altNames.map((each) => textOf(each, `other names of ${name}`)),
    ...(master === undefined ? {} : { master }),
    macAddress: optional(link["address"], `address of ${name}`, textOf) ?? "",
    mtu: numberOf(link["mtu"], `MTU of ${name}`),
    isUp: flags.includes("UP"),
    hasCarrier: flags.includes("LOWER_UP") && !flags.includes("NO-CARRIER"),
    addresses: decodeAddresses(link, name),
    ...(kind === "bridge" ? { bridge: decodeBridge(data) } : {}),
    ...(kind === "vlan"
      ? {
          vlanOn: {
            device: optional(link["link"], `lower device of ${name}`, textOf) ?? "",
            vlan: numberOf(data["id"], `VLAN of ${name}`),
          },
        }
      : {}),
  };
}

function decodeAddresses(link: JsonRecord, name: string): readonly string[] {
  const what = `addresses of ${name}`;
  const list = optional(link["addr_info"], what, listOf) ?? [];
  return list
    .map((each) => recordOf(each, what))
    .filter((each) => each["local"] !== undefined && each["scope"] !== "link")
    .map((each) => `${textOf(each["local"], what)}/${String(each["prefixlen"])}`);
}

function decodeBridge(data: JsonRecord): BridgeSettings {
  // A kernel built without a feature does not mention it.
  return {
    vlanFiltering: data["vlan_filtering"] === 1,
    defaultPvid: optional(data["vlan_default_pvid"], "vlan_default_pvid", numberOf) ?? 0,
    multicastSnooping: data["mcast_snooping"] === 1,
    spanningTree: data["stp_state"] === 1,
  };
}
