import type { CallOptions } from "../../pending-call.ts";
import { secretUsageType } from "../../protocol/generated/enums.ts";
import * as flags from "../../protocol/generated/flags.ts";
import { bitsOf, numberOf, type NamesOf } from "../../protocol/names.ts";
import type { WithFlags } from "../call-flags.ts";
import { HostInterface } from "../host-interface.ts";
import { NodeDevice } from "../node-device.ts";
import { Nwfilter, NwfilterBinding } from "../nwfilter.ts";
import { Secret } from "../secret.ts";
import { HypervisorStorage } from "./hypervisor-storage.ts";

/** Finding and defining secrets, devices and interfaces of the host, and traffic filters. */
export abstract class HypervisorDevices extends HypervisorStorage {
  /** virConnectListAllSecrets (0.10.2). */
  async listAllSecrets(
    options: WithFlags<flags.ConnectListAllSecretsFlag> = {},
  ): Promise<readonly Secret[]> {
    const bits = bitsOf(flags.connectListAllSecretsFlags, options.flags);
    const args = { need_results: 1, flags: bits };
    const { secrets } = await this.session.call("connectListAllSecrets", args, options);
    return secrets.map((reference) => new Secret(this.session, reference));
  }

  /** virSecretLookupByUUIDString (0.7.1). Rejects with LibvirtError "noSecret". */
  async secretLookupByUuid(uuid: string, options?: CallOptions): Promise<Secret> {
    const { secret } = await this.session.call("secretLookupByUuid", { uuid }, options);
    return new Secret(this.session, secret);
  }

  /** virSecretLookupByUsage (0.7.1). Rejects with LibvirtError "noSecret". */
  async secretLookupByUsage(
    usageType: NamesOf<typeof secretUsageType>,
    usageId: string,
    options?: CallOptions,
  ): Promise<Secret> {
    const args = { usageType: numberOf(secretUsageType, usageType), usageID: usageId };
    const { secret } = await this.session.call("secretLookupByUsage", args, options);
    return new Secret(this.session, secret);
  }

  /** virSecretDefineXML (0.7.1). */
  async secretDefineXml(
    xml: string,
    options: WithFlags<flags.SecretDefineFlag> = {},
  ): Promise<Secret> {
    const args = { xml, flags: bitsOf(flags.secretDefineFlags, options.flags) };
    const { secret } = await this.session.call("secretDefineXml", args, options);
    return new Secret(this.session, secret);
  }

  /** virConnectListAllNodeDevices (0.10.2). */
  async listAllNodeDevices(
    options: WithFlags<flags.ConnectListAllNodeDeviceFlag> = {},
  ): Promise<readonly NodeDevice[]> {
    const bits = bitsOf(flags.connectListAllNodeDeviceFlags, options.flags);
    const args = { need_results: 1, flags: bits };
    const { devices } = await this.session.call("connectListAllNodeDevices", args, options);
    return devices.map((reference) => new NodeDevice(this.session, reference));
  }

  /** virNodeDeviceLookupByName (0.5.0). Rejects with LibvirtError "noNodeDevice". */
  async nodeDeviceLookupByName(name: string, options?: CallOptions): Promise<NodeDevice> {
    const { dev } = await this.session.call("nodeDeviceLookupByName", { name }, options);
    return new NodeDevice(this.session, dev);
  }

  /** virNodeDeviceLookupSCSIHostByWWN (1.0.3): a Fibre Channel host by its world wide names. */
  async nodeDeviceLookupScsiHostByWwn(
    names: { readonly wwnn: string; readonly wwpn: string },
    options?: CallOptions,
  ): Promise<NodeDevice> {
    const args = { ...names, flags: 0 };
    const { dev } = await this.session.call("nodeDeviceLookupScsiHostByWwn", args, options);
    return new NodeDevice(this.session, dev);
  }

  /** virNodeDeviceCreateXML (0.6.3): a virtual device, gone when the host reboots. */
  async nodeDeviceCreateXml(
    xml: string,
    options: WithFlags<flags.NodeDeviceCreateXmlFlag> = {},
  ): Promise<NodeDevice> {
    const args = { xml_desc: xml, flags: bitsOf(flags.nodeDeviceCreateXmlFlags, options.flags) };
    const { dev } = await this.session.call("nodeDeviceCreateXml", args, options);
    return new NodeDevice(this.session, dev);
  }

  /** virNodeDeviceDefineXML (7.3.0). */
  async nodeDeviceDefineXml(
    xml: string,
    options: WithFlags<flags.NodeDeviceDefineXmlFlag> = {},
  ): Promise<NodeDevice> {
    const args = { xml_desc: xml, flags: bitsOf(flags.nodeDeviceDefineXmlFlags, options.flags) };
    const { dev } = await this.session.call("nodeDeviceDefineXml", args, options);
    return new NodeDevice(this.session, dev);
  }

  /** virConnectListAllInterfaces (0.10.2). */
  async listAllInterfaces(
    options: WithFlags<flags.ConnectListAllInterfacesFlag> = {},
  ): Promise<readonly HostInterface[]> {
    const bits = bitsOf(flags.connectListAllInterfacesFlags, options.flags);
    const args = { need_results: 1, flags: bits };
    const { ifaces } = await this.session.call("connectListAllInterfaces", args, options);
    return ifaces.map((reference) => new HostInterface(this.session, reference));
  }

  /** virInterfaceLookupByName (0.6.4). Rejects with LibvirtError "noInterface". */
  async interfaceLookupByName(name: string, options?: CallOptions): Promise<HostInterface> {
    const { iface } = await this.session.call("interfaceLookupByName", { name }, options);
    return new HostInterface(this.session, iface);
  }

  /** virInterfaceLookupByMACString (0.6.4). Rejects with LibvirtError "noInterface". */
  async interfaceLookupByMac(mac: string, options?: CallOptions): Promise<HostInterface> {
    const { iface } = await this.session.call("interfaceLookupByMacString", { mac }, options);
    return new HostInterface(this.session, iface);
  }

  /** virInterfaceDefineXML (0.6.4). */
  async interfaceDefineXml(
    xml: string,
    options: WithFlags<flags.InterfaceDefineFlag> = {},
  ): Promise<HostInterface> {
    const args = { xml, flags: bitsOf(flags.interfaceDefineFlags, options.flags) };
    const { iface } = await this.session.call("interfaceDefineXml", args, options);
    return new HostInterface(this.session, iface);
  }

  /** virInterfaceChangeBegin (0.9.2): remembers how the host's interfaces are. */
  async interfaceChangeBegin(options?: CallOptions): Promise<void> {
    await this.session.call("interfaceChangeBegin", { flags: 0 }, options);
  }

  /** virInterfaceChangeCommit (0.9.2): forgets it. */
  async interfaceChangeCommit(options?: CallOptions): Promise<void> {
    await this.session.call("interfaceChangeCommit", { flags: 0 }, options);
  }

  /** virInterfaceChangeRollback (0.9.2): goes back to it. */
  async interfaceChangeRollback(options?: CallOptions): Promise<void> {
    await this.session.call("interfaceChangeRollback", { flags: 0 }, options);
  }

  /** virConnectListAllNWFilters (0.10.2). */
  async listAllNwfilters(options?: CallOptions): Promise<readonly Nwfilter[]> {
    const args = { need_results: 1, flags: 0 };
    const { filters } = await this.session.call("connectListAllNwfilters", args, options);
    return filters.map((reference) => new Nwfilter(this.session, reference));
  }

  /** virNWFilterLookupByName (0.8.0). Rejects with LibvirtError "noNwfilter". */
  async nwfilterLookupByName(name: string, options?: CallOptions): Promise<Nwfilter> {
    const { nwfilter } = await this.session.call("nwfilterLookupByName", { name }, options);
    return new Nwfilter(this.session, nwfilter);
  }

  /** virNWFilterLookupByUUIDString (0.8.0). Rejects with LibvirtError "noNwfilter". */
  async nwfilterLookupByUuid(uuid: string, options?: CallOptions): Promise<Nwfilter> {
    const { nwfilter } = await this.session.call("nwfilterLookupByUuid", { uuid }, options);
    return new Nwfilter(this.session, nwfilter);
  }

  /** virNWFilterDefineXMLFlags (7.7.0), virNWFilterDefineXML (0.8.0) if there are no flags. */
  async nwfilterDefineXml(
    xml: string,
    options: WithFlags<flags.NwFilterDefineFlag> = {},
  ): Promise<Nwfilter> {
    const bits = bitsOf(flags.nwFilterDefineFlags, options.flags);
    const { nwfilter } =
      bits === 0
        ? await this.session.call("nwfilterDefineXml", { xml }, options)
        : await this.session.call("nwfilterDefineXmlFlags", { xml, flags: bits }, options);
    return new Nwfilter(this.session, nwfilter);
  }

  /** virConnectListAllNWFilterBindings (4.5.0). */
  async listAllNwfilterBindings(options?: CallOptions): Promise<readonly NwfilterBinding[]> {
    const args = { need_results: 1, flags: 0 };
    const { bindings } = await this.session.call("connectListAllNwfilterBindings", args, options);
    return bindings.map((reference) => new NwfilterBinding(this.session, reference));
  }

  /** virNWFilterBindingLookupByPortDev (4.5.0). Rejects with LibvirtError "noNwfilterBinding". */
  async nwfilterBindingLookupByPortDev(
    device: string,
    options?: CallOptions,
  ): Promise<NwfilterBinding> {
    const call = this.session.call("nwfilterBindingLookupByPortDev", { name: device }, options);
    return new NwfilterBinding(this.session, (await call).nwfilter);
  }

  /** virNWFilterBindingCreateXML (4.5.0). */
  async nwfilterBindingCreateXml(
    xml: string,
    options: WithFlags<flags.NwFilterBindingCreateFlag> = {},
  ): Promise<NwfilterBinding> {
    const args = { xml, flags: bitsOf(flags.nwFilterBindingCreateFlags, options.flags) };
    const { nwfilter } = await this.session.call("nwfilterBindingCreateXml", args, options);
    return new NwfilterBinding(this.session, nwfilter);
  }
}
