/** On which hosts a VM is seen. Nearly always one, so that one is kept as itself and not as a list. */
import type { HostId, VmId } from "@muster/model";

const nowhere: readonly HostId[] = [];

export class VmPlaces {
  readonly #places = new Map<VmId, HostId | readonly HostId[]>();

  hostsWith(vmId: VmId): readonly HostId[] {
    const place = this.#places.get(vmId);
    if (place === undefined) return nowhere;
    return typeof place === "string" ? [place] : place;
  }

  /** A host had these VMs and now has those. */
  change(
    hostId: HostId,
    before: ReadonlyMap<VmId, unknown>,
    after: ReadonlyMap<VmId, unknown>,
  ): void {
    for (const vmId of before.keys()) if (!after.has(vmId)) this.#remove(vmId, hostId);
    for (const vmId of after.keys()) if (!before.has(vmId)) this.#add(vmId, hostId);
  }

  #add(vmId: VmId, hostId: HostId): void {
    const others = this.hostsWith(vmId);
    this.#places.set(vmId, others.length === 0 ? hostId : [...others, hostId]);
  }

  #remove(vmId: VmId, hostId: HostId): void {
    const [only, ...more] = this.hostsWith(vmId).filter((each) => each !== hostId);
    if (only === undefined) this.#places.delete(vmId);
    else this.#places.set(vmId, more.length === 0 ? only : [only, ...more]);
  }
}
