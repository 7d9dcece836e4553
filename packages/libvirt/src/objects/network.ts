import type { CallOptions } from "../pending-call.ts";
import { NamedObject } from "./named-object.ts";
import {
  ipAddrType,
  networkMetadataType,
  networkUpdateCommand,
  networkUpdateSection,
} from "../protocol/generated/enums.ts";
import * as flags from "../protocol/generated/flags.ts";
import { bitsOf, nameOf, numberOf, type NamesOf } from "../protocol/names.ts";
import type { WithFlags } from "./call-flags.ts";
import { NetworkPort } from "./network-port.ts";

export interface DhcpLease {
  readonly interface: string;
  /** Seconds since the epoch. */
  readonly expiryTime: bigint;
  readonly type: "ipv4" | "ipv6" | "unknown";
  readonly mac: string | null;
  readonly iaid: string | null;
  readonly ipAddress: string;
  readonly prefix: number;
  readonly hostname: string | null;
  readonly clientId: string | null;
}

export interface NetworkUpdate {
  readonly command: Exclude<NamesOf<typeof networkUpdateCommand>, "none">;
  readonly section: Exclude<NamesOf<typeof networkUpdateSection>, "none">;
  /** Which parent element, where there are several; -1 lets libvirt find it. */
  readonly parentIndex?: number | undefined;
  readonly xml: string;
}

export interface MetadataOptions extends WithFlags<flags.NetworkUpdateFlag> {
  /** The XML namespace; required for "element". */
  readonly uri?: string | undefined;
  /** The namespace prefix to write the element with. */
  readonly key?: string | undefined;
}

/** virNetwork: a virtual network of the host. */
export class Network extends NamedObject {
  /** virNetworkCreate (0.2.0): starts a defined network. */
  async create(options?: CallOptions): Promise<void> {
    await this.session.call("networkCreate", { net: this.reference }, options);
  }

  /** virNetworkDestroy (0.2.0): stops it; domains on it lose their link. */
  async destroy(options?: CallOptions): Promise<void> {
    await this.session.call("networkDestroy", { net: this.reference }, options);
  }

  /** virNetworkUndefine (0.2.0). */
  async undefine(options?: CallOptions): Promise<void> {
    await this.session.call("networkUndefine", { net: this.reference }, options);
  }

  /** virNetworkGetXMLDesc (0.2.0). */
  async getXmlDesc(options: WithFlags<flags.NetworkXmlFlag> = {}): Promise<string> {
    const args = { net: this.reference, flags: bitsOf(flags.networkXmlFlags, options.flags) };
    return (await this.session.call("networkGetXmlDesc", args, options)).xml;
  }

  /** virNetworkGetBridgeName (0.2.0). */
  async getBridgeName(options?: CallOptions): Promise<string> {
    const args = { net: this.reference };
    return (await this.session.call("networkGetBridgeName", args, options)).name;
  }

  /** virNetworkGetAutostart (0.2.1). */
  async getAutostart(options?: CallOptions): Promise<boolean> {
    const args = { net: this.reference };
    return (await this.session.call("networkGetAutostart", args, options)).autostart !== 0;
  }

  /** virNetworkSetAutostart (0.2.1). */
  async setAutostart(autostart: boolean, options?: CallOptions): Promise<void> {
    const args = { net: this.reference, autostart: autostart ? 1 : 0 };
    await this.session.call("networkSetAutostart", args, options);
  }

  /** virNetworkIsActive (0.7.3). */
  async isActive(options?: CallOptions): Promise<boolean> {
    const args = { net: this.reference };
    return (await this.session.call("networkIsActive", args, options)).active !== 0;
  }

  /** virNetworkIsPersistent (0.7.3). */
  async isPersistent(options?: CallOptions): Promise<boolean> {
    const args = { net: this.reference };
    return (await this.session.call("networkIsPersistent", args, options)).persistent !== 0;
  }

  /** virNetworkUpdate (0.10.2): changes a part of the definition, of the running network too. */
  async update(
    { command, section, parentIndex = -1, xml }: NetworkUpdate,
    options: WithFlags<flags.NetworkUpdateFlag> = {},
  ): Promise<void> {
    const isInOrder = await this.session.supports("networkUpdateHasCorrectOrder");
    const numbers = [
      numberOf(networkUpdateCommand, command),
      numberOf(networkUpdateSection, section),
    ] as const;
    const [first, second] = isInOrder ? numbers : [numbers[1], numbers[0]];
    const args = {
      net: this.reference,
      command: first,
      section: second,
      parentIndex,
      xml,
      flags: bitsOf(flags.networkUpdateFlags, options.flags),
    };
    await this.session.call("networkUpdate", args, options);
  }

  /** virNetworkListAllPorts (5.5.0). */
  async listAllPorts(options?: CallOptions): Promise<readonly NetworkPort[]> {
    const args = { network: this.reference, need_results: 1, flags: 0 };
    const { ports } = await this.session.call("networkListAllPorts", args, options);
    return ports.map((reference) => new NetworkPort(this.session, reference));
  }

  /** virNetworkPortLookupByUUIDString (5.5.0). Rejects with LibvirtError "noNetworkPort". */
  async portLookupByUuid(uuid: string, options?: CallOptions): Promise<NetworkPort> {
    const args = { network: this.reference, uuid };
    const { port } = await this.session.call("networkPortLookupByUuid", args, options);
    return new NetworkPort(this.session, port);
  }

  /** virNetworkPortCreateXML (5.5.0). */
  async portCreateXml(
    xml: string,
    options: WithFlags<flags.NetworkPortCreateFlag> = {},
  ): Promise<NetworkPort> {
    const bits = bitsOf(flags.networkPortCreateFlags, options.flags);
    const args = { network: this.reference, xml, flags: bits };
    const { port } = await this.session.call("networkPortCreateXml", args, options);
    return new NetworkPort(this.session, port);
  }

  /** virNetworkSetMetadata (9.7.0): as Domain.setMetadata. */
  async setMetadata(
    type: NamesOf<typeof networkMetadataType>,
    metadata: string | null,
    options: MetadataOptions = {},
  ): Promise<void> {
    const args = {
      network: this.reference,
      type: numberOf(networkMetadataType, type),
      metadata,
      key: options.key ?? null,
      uri: options.uri ?? null,
      flags: bitsOf(flags.networkUpdateFlags, options.flags),
    };
    await this.session.call("networkSetMetadata", args, options);
  }

  /** virNetworkGetMetadata (9.7.0). */
  async getMetadata(
    type: NamesOf<typeof networkMetadataType>,
    options: Omit<MetadataOptions, "key"> = {},
  ): Promise<string> {
    const args = {
      network: this.reference,
      type: numberOf(networkMetadataType, type),
      uri: options.uri ?? null,
      flags: bitsOf(flags.networkUpdateFlags, options.flags),
    };
    return (await this.session.call("networkGetMetadata", args, options)).metadata;
  }

  /** virNetworkGetDHCPLeases (1.2.6): of one MAC address, or all. */
  async getDhcpLeases(
    mac: string | null = null,
    options?: CallOptions,
  ): Promise<readonly DhcpLease[]> {
    const args = { net: this.reference, mac, need_results: 1, flags: 0 };
    const { leases } = await this.session.call("networkGetDhcpLeases", args, options);
    return leases.map((lease) => ({
      interface: lease.iface,
      expiryTime: lease.expirytime,
      type: nameOf(ipAddrType, lease.type),
      mac: lease.mac,
      iaid: lease.iaid,
      ipAddress: lease.ipaddr,
      prefix: lease.prefix,
      hostname: lease.hostname,
      clientId: lease.clientid,
    }));
  }
}
