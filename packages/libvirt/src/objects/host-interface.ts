import type { CallOptions } from "../pending-call.ts";
import * as flags from "../protocol/generated/flags.ts";
import type { NonnullInterface } from "../protocol/generated/structures.ts";
import { bitsOf } from "../protocol/names.ts";
import type { Session } from "../session.ts";
import type { WithFlags } from "./call-flags.ts";

/** virInterface: a network interface of the host, as its configuration knows it. */
export class HostInterface {
  readonly #session: Session;
  readonly reference: NonnullInterface;

  constructor(session: Session, reference: NonnullInterface) {
    this.#session = session;
    this.reference = reference;
  }

  /** virInterfaceGetName (0.6.4). */
  get name(): string {
    return this.reference.name;
  }

  /** virInterfaceGetMACString (0.6.4): empty for an inactive one. */
  get mac(): string {
    return this.reference.mac;
  }

  /** virInterfaceGetXMLDesc (0.6.4). */
  async getXmlDesc(options: WithFlags<flags.InterfaceXmlFlag> = {}): Promise<string> {
    const args = { iface: this.reference, flags: bitsOf(flags.interfaceXmlFlags, options.flags) };
    return (await this.#session.call("interfaceGetXmlDesc", args, options)).xml;
  }

  /** virInterfaceIsActive (0.7.3). */
  async isActive(options?: CallOptions): Promise<boolean> {
    const call = this.#session.call("interfaceIsActive", { iface: this.reference }, options);
    return (await call).active !== 0;
  }

  /** virInterfaceCreate (0.6.4): brings it up. */
  async create(options?: CallOptions): Promise<void> {
    await this.#session.call("interfaceCreate", { iface: this.reference, flags: 0 }, options);
  }

  /** virInterfaceDestroy (0.6.4): takes it down. */
  async destroy(options?: CallOptions): Promise<void> {
    await this.#session.call("interfaceDestroy", { iface: this.reference, flags: 0 }, options);
  }

  /** virInterfaceUndefine (0.6.4). */
  async undefine(options?: CallOptions): Promise<void> {
    await this.#session.call("interfaceUndefine", { iface: this.reference }, options);
  }
}
