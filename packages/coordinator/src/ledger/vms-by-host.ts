/** Which VMs are charged to a host: placed there, or on their way there. Kept beside the table of VMs. */
import type { HostId, VmId, VmRecord } from "@muster/model";

const none: ReadonlyMap<VmId, VmRecord> = new Map();

export class VmsByHost {
  readonly #hosts = new Map<HostId, Map<VmId, VmRecord>>();

  on(hostId: HostId): ReadonlyMap<VmId, VmRecord> {
    return this.#hosts.get(hostId) ?? none;
  }

  change(before: VmRecord | undefined, after: VmRecord | undefined): void {
    if (before !== undefined) for (const hostId of hostsOf(before)) this.#remove(hostId, before.id);
    if (after !== undefined) for (const hostId of hostsOf(after)) this.#add(hostId, after);
  }

  #add(hostId: HostId, vm: VmRecord): void {
    const vms = this.#hosts.get(hostId) ?? new Map<VmId, VmRecord>();
    this.#hosts.set(hostId, vms.set(vm.id, vm));
  }

  #remove(hostId: HostId, vmId: VmId): void {
    const vms = this.#hosts.get(hostId);
    vms?.delete(vmId);
    if (vms?.size === 0) this.#hosts.delete(hostId);
  }
}

/** Its placement and its target. */
export const hostsOf = (vm: VmRecord): readonly HostId[] =>
  [vm.placement, vm.target].flatMap((each) => (each === undefined ? [] : [each.hostId]));
