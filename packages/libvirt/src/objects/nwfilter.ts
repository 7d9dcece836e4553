import type { CallOptions } from "../pending-call.ts";
import { NamedObject } from "./named-object.ts";
import type { NonnullNwfilterBinding } from "../protocol/generated/structures.ts";
import type { Session } from "../session.ts";

/** virNWFilter: rules for the traffic of guests. */
export class Nwfilter extends NamedObject {
  /** virNWFilterGetXMLDesc (0.8.0). */
  async getXmlDesc(options?: CallOptions): Promise<string> {
    const args = { nwfilter: this.reference, flags: 0 };
    return (await this.session.call("nwfilterGetXmlDesc", args, options)).xml;
  }

  /** virNWFilterUndefine (0.8.0). */
  async undefine(options?: CallOptions): Promise<void> {
    await this.session.call("nwfilterUndefine", { nwfilter: this.reference }, options);
  }
}

/** virNWFilterBinding: a filter at work on a host device. */
export class NwfilterBinding {
  readonly #session: Session;
  readonly reference: NonnullNwfilterBinding;

  constructor(session: Session, reference: NonnullNwfilterBinding) {
    this.#session = session;
    this.reference = reference;
  }

  /** virNWFilterBindingGetPortDev (4.5.0). */
  get portDev(): string {
    return this.reference.portdev;
  }

  /** virNWFilterBindingGetFilterName (4.5.0). */
  get filterName(): string {
    return this.reference.filtername;
  }

  /** virNWFilterBindingGetXMLDesc (4.5.0). */
  async getXmlDesc(options?: CallOptions): Promise<string> {
    const args = { nwfilter: this.reference, flags: 0 };
    return (await this.#session.call("nwfilterBindingGetXmlDesc", args, options)).xml;
  }

  /** virNWFilterBindingDelete (4.5.0). */
  async delete(options?: CallOptions): Promise<void> {
    await this.#session.call("nwfilterBindingDelete", { nwfilter: this.reference }, options);
  }
}
