import type { CallOptions } from "../../pending-call.ts";
import * as flags from "../../protocol/generated/flags.ts";
import type { NonnullDomainCheckpoint } from "../../protocol/generated/structures.ts";
import { bitsOf } from "../../protocol/names.ts";
import type { Session } from "../../session.ts";
import type { WithFlags } from "../call-flags.ts";

/** virDomainCheckpoint: a point in time from which changed blocks are tracked, for incremental backups. */
export class DomainCheckpoint {
  readonly #session: Session;
  readonly reference: NonnullDomainCheckpoint;

  constructor(session: Session, reference: NonnullDomainCheckpoint) {
    this.#session = session;
    this.reference = reference;
  }

  /** virDomainCheckpointGetName (5.6.0): unique in its domain. */
  get name(): string {
    return this.reference.name;
  }

  /** virDomainCheckpointGetXMLDesc (5.6.0). */
  async getXmlDesc(options: WithFlags<flags.DomainCheckpointXmlFlag> = {}): Promise<string> {
    const bits = bitsOf(flags.domainCheckpointXmlFlags, options.flags);
    const args = { checkpoint: this.reference, flags: bits };
    return (await this.#session.call("domainCheckpointGetXmlDesc", args, options)).xml;
  }

  /** virDomainCheckpointGetParent (5.6.0). Rejects with LibvirtError "noDomainCheckpoint" at a root. */
  async getParent(options?: CallOptions): Promise<DomainCheckpoint> {
    const args = { checkpoint: this.reference, flags: 0 };
    const { parent } = await this.#session.call("domainCheckpointGetParent", args, options);
    return new DomainCheckpoint(this.#session, parent);
  }

  /** virDomainCheckpointListAllChildren (5.6.0). */
  async listAllChildren(
    options: WithFlags<flags.DomainCheckpointListFlag> = {},
  ): Promise<readonly DomainCheckpoint[]> {
    const bits = bitsOf(flags.domainCheckpointListFlags, options.flags);
    const args = { checkpoint: this.reference, need_results: 1, flags: bits };
    const call = this.#session.call("domainCheckpointListAllChildren", args, options);
    return (await call).checkpoints.map((each) => new DomainCheckpoint(this.#session, each));
  }

  /** virDomainCheckpointDelete (5.6.0). */
  async delete(options: WithFlags<flags.DomainCheckpointDeleteFlag> = {}): Promise<void> {
    const bits = bitsOf(flags.domainCheckpointDeleteFlags, options.flags);
    const args = { checkpoint: this.reference, flags: bits };
    await this.#session.callLong("domainCheckpointDelete", args, options);
  }
}
