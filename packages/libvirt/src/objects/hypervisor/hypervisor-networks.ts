import type { CallOptions } from "../../pending-call.ts";
import * as flags from "../../protocol/generated/flags.ts";
import { bitsOf } from "../../protocol/names.ts";
import type { WithFlags } from "../call-flags.ts";
import { Network } from "../network.ts";
import { HypervisorDomains } from "./hypervisor-domains.ts";

/** Finding and defining virtual networks. */
export abstract class HypervisorNetworks extends HypervisorDomains {
  /** virConnectListAllNetworks (0.10.2). */
  async listAllNetworks(
    options: WithFlags<flags.ConnectListAllNetworksFlag> = {},
  ): Promise<readonly Network[]> {
    const bits = bitsOf(flags.connectListAllNetworksFlags, options.flags);
    const args = { need_results: 1, flags: bits };
    const { nets } = await this.session.call("connectListAllNetworks", args, options);
    return nets.map((reference) => new Network(this.session, reference));
  }

  /** virNetworkLookupByName (0.2.0). Rejects with LibvirtError "noNetwork". */
  async networkLookupByName(name: string, options?: CallOptions): Promise<Network> {
    const { net } = await this.session.call("networkLookupByName", { name }, options);
    return new Network(this.session, net);
  }

  /** virNetworkLookupByUUIDString (0.2.0). Rejects with LibvirtError "noNetwork". */
  async networkLookupByUuid(uuid: string, options?: CallOptions): Promise<Network> {
    const { net } = await this.session.call("networkLookupByUuid", { uuid }, options);
    return new Network(this.session, net);
  }

  /** virNetworkDefineXMLFlags (7.7.0), virNetworkDefineXML (0.2.0) if there are no flags. */
  async networkDefineXml(
    xml: string,
    options: WithFlags<flags.NetworkDefineFlag> = {},
  ): Promise<Network> {
    const bits = bitsOf(flags.networkDefineFlags, options.flags);
    const { net } =
      bits === 0
        ? await this.session.call("networkDefineXml", { xml }, options)
        : await this.session.call("networkDefineXmlFlags", { xml, flags: bits }, options);
    return new Network(this.session, net);
  }

  /** virNetworkCreateXMLFlags (7.8.0), virNetworkCreateXML (0.2.0) if there are no flags: a transient one. */
  async networkCreateXml(
    xml: string,
    options: WithFlags<flags.NetworkCreateFlag> = {},
  ): Promise<Network> {
    const bits = bitsOf(flags.networkCreateFlags, options.flags);
    const { net } =
      bits === 0
        ? await this.session.call("networkCreateXml", { xml }, options)
        : await this.session.call("networkCreateXmlFlags", { xml, flags: bits }, options);
    return new Network(this.session, net);
  }
}
