/**
 * Where a VM is in the middle of a migration, from what both hosts say. Pure. Only a host that is connected and has
 * reported in this session counts as a witness; anything else is "uncertain", never a guess (S1).
 */
import { isActive, type VmId } from "@muster/model";
import type { HostObservation } from "../observations/observations.ts";

export type Whereabouts = "at-source" | "at-target" | "moving" | "nowhere" | "uncertain";

type Sighting = "active" | "moving" | "inactive" | "absent" | "unheard";

function sighting(host: HostObservation | undefined, vmId: VmId): Sighting {
  if (host?.connected !== true || !host.reported) return "unheard";
  const vm = host.vms.get(vmId);
  if (vm === undefined) return "absent";
  if (!isActive(vm.state)) return "inactive";
  return vm.migrating ? "moving" : "active";
}

export function whereabouts(hosts: {
  readonly source: HostObservation | undefined;
  readonly target: HostObservation | undefined;
  readonly vmId: VmId;
}): Whereabouts {
  const source = sighting(hosts.source, hosts.vmId);
  const target = sighting(hosts.target, hosts.vmId);
  if (source === "unheard") return "uncertain";
  if (source === "moving") return "moving";
  // An incoming QEMU shows on the target before the move has ended: the source decides while it has the VM.
  if (source === "active") return "at-source";
  if (target === "unheard") return "uncertain";
  if (target === "active" || target === "moving") return "at-target";
  // It runs on neither: it is where it is defined, and at its old place when it is defined on both.
  if (source === "absent" && target === "inactive") return "at-target";
  return source === "absent" ? "nowhere" : "at-source";
}
