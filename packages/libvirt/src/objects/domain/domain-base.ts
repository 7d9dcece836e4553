import type { DomainReference } from "../../events/domain-events.ts";
import type { Session } from "../../session.ts";

/**
 * A handle: libvirt finds the domain by its UUID at every call, so it stays valid across restarts of the domain and
 * of the daemon, and needs no freeing. The families of calls are layered on it, one file each.
 */
export abstract class DomainBase {
  protected readonly session: Session;
  #reference: DomainReference;

  constructor(session: Session, reference: DomainReference) {
    this.session = session;
    this.#reference = reference;
  }

  /** What libvirt identifies the domain by in every call. */
  get reference(): DomainReference {
    return this.#reference;
  }

  /** Starting a domain gives it an id, renaming it a name. */
  protected renewReference(reference: DomainReference): void {
    this.#reference = reference;
  }

  /** virDomainGetName (0.0.3). As it was when the handle was made. */
  get name(): string {
    return this.reference.name;
  }

  /** virDomainGetUUIDString (0.1.1): lower case with dashes. */
  get uuid(): string {
    return this.reference.uuid;
  }

  /** virDomainGetID (0.0.3): -1 if it was not running when the handle was made. */
  get id(): number {
    return this.reference.id;
  }
}
