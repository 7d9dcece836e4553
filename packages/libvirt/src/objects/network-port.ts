import type { CallOptions } from "../pending-call.ts";
import * as flags from "../protocol/generated/flags.ts";
import type { NonnullNetworkPort } from "../protocol/generated/structures.ts";
import { bitsOf } from "../protocol/names.ts";
import type { Session } from "../session.ts";
import { toTypedParameters } from "../xdr/parameter-spec.ts";
import type { TypedParameters } from "../xdr/typed-parameters.ts";
import type { WithFlags } from "./call-flags.ts";
import { bandwidthFields, type BandwidthParameters } from "./tunables.ts";

type Impact = WithFlags<flags.DomainModificationImpactFlag>;

/** virNetworkPort: where something is plugged into a network. */
export class NetworkPort {
  readonly #session: Session;
  readonly reference: NonnullNetworkPort;

  constructor(session: Session, reference: NonnullNetworkPort) {
    this.#session = session;
    this.reference = reference;
  }

  /** virNetworkPortGetUUIDString (5.5.0). */
  get uuid(): string {
    return this.reference.uuid;
  }

  /** virNetworkPortGetXMLDesc (5.5.0). */
  async getXmlDesc(options?: CallOptions): Promise<string> {
    const args = { port: this.reference, flags: 0 };
    return (await this.#session.call("networkPortGetXmlDesc", args, options)).xml;
  }

  /** virNetworkPortGetParameters (5.5.0). */
  async getParameters(options: Impact = {}): Promise<BandwidthParameters & TypedParameters> {
    const bits = bitsOf(flags.domainModificationImpactFlags, options.flags);
    const ask = (nparams: number) => {
      const args = { port: this.reference, nparams, flags: bits };
      return this.#session.call("networkPortGetParameters", args, options);
    };
    return (await ask((await ask(0)).nparams)).params;
  }

  /** virNetworkPortSetParameters (5.5.0). */
  async setParameters(parameters: BandwidthParameters, options: Impact = {}): Promise<void> {
    const params = toTypedParameters(bandwidthFields, parameters);
    const bits = bitsOf(flags.domainModificationImpactFlags, options.flags);
    const args = { port: this.reference, params, flags: bits };
    await this.#session.call("networkPortSetParameters", args, options);
  }

  /** virNetworkPortDelete (5.5.0). */
  async delete(options?: CallOptions): Promise<void> {
    await this.#session.call("networkPortDelete", { port: this.reference, flags: 0 }, options);
  }
}
