import type { CallOptions } from "../../pending-call.ts";
import * as flags from "../../protocol/generated/flags.ts";
import type { NonnullDomainSnapshot } from "../../protocol/generated/structures.ts";
import { bitsOf } from "../../protocol/names.ts";
import type { Session } from "../../session.ts";
import type { WithFlags } from "../call-flags.ts";

/** virDomainSnapshot: a state of a domain to go back to. */
export class DomainSnapshot {
  readonly #session: Session;
  readonly reference: NonnullDomainSnapshot;

  constructor(session: Session, reference: NonnullDomainSnapshot) {
    this.#session = session;
    this.reference = reference;
  }

  /** virDomainSnapshotGetName (0.9.5): unique in its domain. */
  get name(): string {
    return this.reference.name;
  }

  /** virDomainSnapshotGetXMLDesc (0.8.0). */
  async getXmlDesc(options: WithFlags<flags.DomainSnapshotXmlFlag> = {}): Promise<string> {
    const bits = bitsOf(flags.domainSnapshotXmlFlags, options.flags);
    const args = { snap: this.reference, flags: bits };
    return (await this.#session.call("domainSnapshotGetXmlDesc", args, options)).xml;
  }

  /** virDomainSnapshotGetParent (0.9.7). Rejects with LibvirtError "noDomainSnapshot" at a root. */
  async getParent(options?: CallOptions): Promise<DomainSnapshot> {
    const args = { snap: this.reference, flags: 0 };
    const { snap } = await this.#session.call("domainSnapshotGetParent", args, options);
    return new DomainSnapshot(this.#session, snap);
  }

  /** virDomainSnapshotListAllChildren (0.9.13). */
  async listAllChildren(
    options: WithFlags<flags.DomainSnapshotListFlag> = {},
  ): Promise<readonly DomainSnapshot[]> {
    const bits = bitsOf(flags.domainSnapshotListFlags, options.flags);
    const args = { snapshot: this.reference, need_results: 1, flags: bits };
    const call = this.#session.call("domainSnapshotListAllChildren", args, options);
    return (await call).snapshots.map((each) => new DomainSnapshot(this.#session, each));
  }

  /** virDomainSnapshotIsCurrent (0.9.13). */
  async isCurrent(options?: CallOptions): Promise<boolean> {
    const args = { snap: this.reference, flags: 0 };
    return (await this.#session.call("domainSnapshotIsCurrent", args, options)).current !== 0;
  }

  /** virDomainSnapshotHasMetadata (0.9.13): whether libvirt remembers it. */
  async hasMetadata(options?: CallOptions): Promise<boolean> {
    const args = { snap: this.reference, flags: 0 };
    return (await this.#session.call("domainSnapshotHasMetadata", args, options)).metadata !== 0;
  }

  /** virDomainRevertToSnapshot (0.8.0). */
  async revert(options: WithFlags<flags.DomainSnapshotRevertFlag> = {}): Promise<void> {
    const bits = bitsOf(flags.domainSnapshotRevertFlags, options.flags);
    const args = { snap: this.reference, flags: bits };
    await this.#session.callLong("domainRevertToSnapshot", args, options);
  }

  /** virDomainSnapshotDelete (0.8.0). */
  async delete(options: WithFlags<flags.DomainSnapshotDeleteFlag> = {}): Promise<void> {
    const bits = bitsOf(flags.domainSnapshotDeleteFlags, options.flags);
    const args = { snap: this.reference, flags: bits };
    await this.#session.callLong("domainSnapshotDelete", args, options);
  }
}
