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

/** As iproute2 names them. */
export interface BondSettings {
  readonly mode: string;
  readonly lacpRate: string;
  readonly transmitHash: string;
  readonly miimonMs: number;
  readonly minLinks: number;
}

export interface VxlanSettings {
  readonly vni: number;
  readonly port: number;
  /** The device that carries it; "": whichever leads there. */
  readonly on: string;
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
  /** Its own one, also while it wears that of the bond it belongs to. */
  readonly permanentMac?: string;
  readonly mtu: number;
  /** Absent: no limit is known. */
  readonly mtuMax?: number;
  readonly isUp: boolean;
  readonly hasCarrier: boolean;
  /** With prefix length; not those the kernel gives every device by itself (link scope). */
  readonly addresses: readonly string[];
  /** Of a bridge. */
  readonly bridge?: BridgeSettings;
  /** Of a bond. */
  readonly bond?: BondSettings;
  /** Of a VLAN device: the device it sits on and its id. */
  readonly vlanOn?: { readonly device: string; readonly vlan: number };
  /** Of a VXLAN device. */
  readonly vxlan?: VxlanSettings;
  /** Where the hardware is plugged in: "pci", "0000:01:00.0". Absent: it is none. */
  readonly parent?: { readonly bus: string; readonly device: string };
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
    ...decodeHardware(link, info, name),
    mtu: numberOf(link["mtu"], `MTU of ${name}`),
    isUp: flags.includes("UP"),
    hasCarrier: flags.includes("LOWER_UP") && !flags.includes("NO-CARRIER"),
    addresses: decodeAddresses(link, name),
    ...(kind === "bridge" ? { bridge: decodeBridge(data) } : {}),
    ...(kind === "bond" ? { bond: decodeBond(data, name) } : {}),
    ...(kind === "vxlan" ? { vxlan: decodeVxlan(data, name) } : {}),
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

function decodeHardware(
  link: JsonRecord,
  info: JsonRecord,
  name: string,
): Pick<KernelLink, "permanentMac" | "mtuMax" | "parent"> {
  const slave = optional(info["info_slave_data"], `bonding of ${name}`, recordOf) ?? {};
  const permanentMac =
    optional(slave["perm_hwaddr"], `address of ${name}`, textOf) ??
    optional(link["permaddr"], `address of ${name}`, textOf);
  const bus = optional(link["parentbus"], `bus of ${name}`, textOf);
  const device = optional(link["parentdev"], `bus of ${name}`, textOf);
  const mtuMax = optional(link["max_mtu"], `largest MTU of ${name}`, numberOf) ?? 0;
  return {
    ...(permanentMac === undefined ? {} : { permanentMac }),
    // Some drivers say 0, and mean that they do not know.
    ...(mtuMax === 0 ? {} : { mtuMax }),
    ...(bus === undefined || device === undefined ? {} : { parent: { bus, device } }),
  };
}

function decodeBond(data: JsonRecord, name: string): BondSettings {
  const what = `settings of ${name}`;
  return {
    mode: optional(data["mode"], what, textOf) ?? "",
    lacpRate: optional(data["ad_lacp_rate"], what, textOf) ?? "",
    transmitHash: optional(data["xmit_hash_policy"], what, textOf) ?? "",
    miimonMs: optional(data["miimon"], what, numberOf) ?? 0,
    minLinks: optional(data["min_links"], what, numberOf) ?? 0,
  };
}

function decodeVxlan(data: JsonRecord, name: string): VxlanSettings {
  const what = `settings of ${name}`;
  return {
    vni: numberOf(data["id"], what),
    port: optional(data["port"], what, numberOf) ?? 0,
    on: optional(data["link"], what, textOf) ?? "",
  };
}
