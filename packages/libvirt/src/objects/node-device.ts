import type { CallOptions } from "../pending-call.ts";
import * as flags from "../protocol/generated/flags.ts";
import { bitsOf } from "../protocol/names.ts";
import type { Session } from "../session.ts";
import type { WithFlags } from "./call-flags.ts";

/** virNodeDevice: a device of the host. */
export class NodeDevice {
  readonly #session: Session;
  /** virNodeDeviceGetName (0.5.0): for example "pci_0000_00_1f_2". */
  readonly name: string;

  constructor(session: Session, { name }: { readonly name: string }) {
    this.#session = session;
    this.name = name;
  }

  /** virNodeDeviceGetXMLDesc (0.5.0). */
  async getXmlDesc(options: WithFlags<flags.NodeDeviceXmlFlag> = {}): Promise<string> {
    const args = { name: this.name, flags: bitsOf(flags.nodeDeviceXmlFlags, options.flags) };
    return (await this.#session.call("nodeDeviceGetXmlDesc", args, options)).xml;
  }

  /** virNodeDeviceGetParent (0.5.0): null at the top. */
  async getParent(options?: CallOptions): Promise<string | null> {
    const call = this.#session.call("nodeDeviceGetParent", { name: this.name }, options);
    return (await call).parentName;
  }

  /** virNodeDeviceListCaps (0.5.0): what kind of device it is. */
  async listCaps(options?: CallOptions): Promise<readonly string[]> {
    const { num } = await this.#session.call("nodeDeviceNumOfCaps", { name: this.name }, options);
    const args = { name: this.name, maxnames: num };
    return (await this.#session.call("nodeDeviceListCaps", args, options)).names;
  }

  /** virNodeDeviceDettach (0.6.1): takes it from the host's driver, for a guest. The spelling is libvirt's. */
  async dettach(options?: CallOptions): Promise<void> {
    await this.#session.call("nodeDeviceDettach", { name: this.name }, options);
  }

  /** virNodeDeviceDetachFlags (1.0.5): as dettach, to this driver instead of libvirt's choice. */
  async detachFlags(driverName: string, options?: CallOptions): Promise<void> {
    const args = { name: this.name, driverName, flags: 0 };
    await this.#session.call("nodeDeviceDetachFlags", args, options);
  }

  /** virNodeDeviceReAttach (0.6.1): gives it back. */
  async reAttach(options?: CallOptions): Promise<void> {
    await this.#session.call("nodeDeviceReAttach", { name: this.name }, options);
  }

  /** virNodeDeviceReset (0.6.1). */
  async reset(options?: CallOptions): Promise<void> {
    await this.#session.call("nodeDeviceReset", { name: this.name }, options);
  }

  /** virNodeDeviceDestroy (0.6.3): removes a virtual device. */
  async destroy(options?: CallOptions): Promise<void> {
    await this.#session.call("nodeDeviceDestroy", { name: this.name }, options);
  }

  /** virNodeDeviceCreate (7.3.0): starts a defined device. */
  async create(options?: CallOptions): Promise<void> {
    await this.#session.call("nodeDeviceCreate", { name: this.name, flags: 0 }, options);
  }

  /** virNodeDeviceUndefine (7.3.0). */
  async undefine(options?: CallOptions): Promise<void> {
    await this.#session.call("nodeDeviceUndefine", { name: this.name, flags: 0 }, options);
  }

  /** virNodeDeviceGetAutostart (7.8.0). */
  async getAutostart(options?: CallOptions): Promise<boolean> {
    const call = this.#session.call("nodeDeviceGetAutostart", { name: this.name }, options);
    return (await call).autostart !== 0;
  }

  /** virNodeDeviceSetAutostart (7.8.0). */
  async setAutostart(autostart: boolean, options?: CallOptions): Promise<void> {
    const args = { name: this.name, autostart: autostart ? 1 : 0 };
    await this.#session.call("nodeDeviceSetAutostart", args, options);
  }

  /** virNodeDeviceIsPersistent (7.8.0). */
  async isPersistent(options?: CallOptions): Promise<boolean> {
    const call = this.#session.call("nodeDeviceIsPersistent", { name: this.name }, options);
    return (await call).persistent !== 0;
  }

  /** virNodeDeviceIsActive (7.8.0). */
  async isActive(options?: CallOptions): Promise<boolean> {
    const call = this.#session.call("nodeDeviceIsActive", { name: this.name }, options);
    return (await call).active !== 0;
  }

  /** virNodeDeviceUpdate (10.1.0). */
  async update(xml: string, options: WithFlags<flags.NodeDeviceUpdateFlag> = {}): Promise<void> {
    const bits = bitsOf(flags.nodeDeviceUpdateFlags, options.flags);
    await this.#session.call(
      "nodeDeviceUpdate",
      { name: this.name, xml_desc: xml, flags: bits },
      options,
    );
  }
}
