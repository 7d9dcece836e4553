/** Whole values with one interesting field each, for tests here and in other packages. */
import type {
  ClaimSnapshot,
  HostCapacity,
  HostSnapshot,
  PlaceRequest,
  RequestedVm,
  Snapshot,
  VmSnapshot,
} from "../snapshot.ts";

export const GiB = 1024n ** 3n;
export const MiB = 1024n ** 2n;

/** An online host with 4 threads (no overcommit) and 16 GiB unless told otherwise. */
export function aHost(
  id: string,
  fields: Partial<Omit<HostSnapshot, "id" | "capacity">> & {
    readonly capacity?: Partial<HostCapacity>;
  } = {},
): HostSnapshot {
  return {
    name: id,
    state: "online",
    cordoned: false,
    ...fields,
    id,
    capacity: { cpus: 4, cpuOvercommit: 1, memoryBytes: 16n * GiB, ...fields.capacity },
  };
}

export function aVm(id: string, fields: Partial<Omit<VmSnapshot, "id">> = {}): VmSnapshot {
  return { name: id, state: "running", cpus: 1, memoryBytes: 1n * GiB, ...fields, id };
}

export function aClaim(
  vmId: string,
  hostId: string,
  fields: Partial<ClaimSnapshot> = {},
): ClaimSnapshot {
  return { cpus: 1, memoryBytes: 1n * GiB, ...fields, vmId, hostId };
}

export function aRequest(
  fields: Partial<RequestedVm> = {},
  request: Omit<PlaceRequest, "vm"> = {},
): PlaceRequest {
  return {
    vm: { id: "vm-new", name: "new", cpus: 1, memoryBytes: 1n * GiB, ...fields },
    ...request,
  };
}

export function aSnapshot(fields: Partial<Snapshot> = {}): Snapshot {
  return { version: 1, hosts: [], vms: [], claims: [], ...fields };
}
