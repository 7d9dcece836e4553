/**
 * Which VMs a host starts by itself after it has booted. Pure.
 *
 * Only those whose assignment says so, and then only the very copy that was assigned: a VM that the cluster may restart
 * elsewhere is never among them, and one that is marked with another generation has been placed anew meanwhile (S1).
 */
import type { VmAssignment, VmObservation } from "@muster/model";

export interface Autostart {
  readonly start: readonly VmAssignment[];
  /** Those that will not be started, and why. */
  readonly leave: readonly { readonly vm: VmAssignment; readonly why: string }[];
}

export function planAutostart(
  assigned: readonly VmAssignment[],
  seen: readonly VmObservation[],
): Autostart {
  const start: VmAssignment[] = [];
  const leave: { readonly vm: VmAssignment; readonly why: string }[] = [];
  const found = new Map(seen.map((vm) => [vm.id, vm]));
  for (const vm of assigned) {
    if (vm.autostart !== true) continue;
    const here = found.get(vm.id);
    if (vm.guarded === true) leave.push({ vm, why: "it may be running elsewhere" });
    else if (here === undefined) leave.push({ vm, why: "this host does not have it" });
    else if (!here.managed) leave.push({ vm, why: "it does not carry the cluster's mark" });
    else if (here.generation !== vm.generation) {
      const marks = `${String(here.generation)}, assigned is ${String(vm.generation)}`;
      leave.push({ vm, why: `it is marked with generation ${marks}` });
    } else if (here.state === "stopped" || here.state === "crashed") start.push(vm);
  }
  return { start, leave };
}
