import type { Session } from "../session.ts";

/** What libvirt finds a network, a storage pool and a filter by. */
interface NamedReference {
  readonly name: string;
  readonly uuid: string;
}

/** A handle on something with a name and a UUID: it holds nothing in the daemon and needs no freeing. */
export abstract class NamedObject {
  protected readonly session: Session;
  readonly reference: NamedReference;

  constructor(session: Session, reference: NamedReference) {
    this.session = session;
    this.reference = reference;
  }

  /** virNetworkGetName (0.2.0), virStoragePoolGetName (0.4.1), virNWFilterGetName (0.8.0). */
  get name(): string {
    return this.reference.name;
  }

  /** virNetworkGetUUIDString (0.2.0), virStoragePoolGetUUIDString (0.4.1), virNWFilterGetUUIDString (0.8.0). */
  get uuid(): string {
    return this.reference.uuid;
  }
}
