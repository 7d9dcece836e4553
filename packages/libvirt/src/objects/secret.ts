import type { CallOptions } from "../pending-call.ts";
import { secretUsageType, type SecretUsageType } from "../protocol/generated/enums.ts";
import type { NonnullSecret } from "../protocol/generated/structures.ts";
import { nameOf } from "../protocol/names.ts";
import type { Session } from "../session.ts";

/** virSecret: a passphrase or key that the daemon keeps for disks, TLS and the like. */
export class Secret {
  readonly #session: Session;
  readonly reference: NonnullSecret;

  constructor(session: Session, reference: NonnullSecret) {
    this.#session = session;
    this.reference = reference;
  }

  /** virSecretGetUUIDString (0.7.1). */
  get uuid(): string {
    return this.reference.uuid;
  }

  /** virSecretGetUsageType (0.7.1). */
  get usageType(): SecretUsageType {
    return nameOf(secretUsageType, this.reference.usageType);
  }

  /** virSecretGetUsageID (0.7.1). */
  get usageId(): string {
    return this.reference.usageID;
  }

  /** virSecretGetXMLDesc (0.7.1): the definition, never the value. */
  async getXmlDesc(options?: CallOptions): Promise<string> {
    const args = { secret: this.reference, flags: 0 };
    return (await this.#session.call("secretGetXmlDesc", args, options)).xml;
  }

  /** virSecretSetValue (0.7.1). */
  async setValue(value: Uint8Array, options?: CallOptions): Promise<void> {
    const args = { secret: this.reference, value, flags: 0 };
    await this.#session.call("secretSetValue", args, options);
  }

  /** virSecretGetValue (0.7.1). Rejects for a private secret. */
  async getValue(options?: CallOptions): Promise<Uint8Array> {
    const args = { secret: this.reference, flags: 0 };
    return (await this.#session.call("secretGetValue", args, options)).value;
  }

  /** virSecretUndefine (0.7.1). */
  async undefine(options?: CallOptions): Promise<void> {
    await this.#session.call("secretUndefine", { secret: this.reference }, options);
  }
}
