/**
 * Safety rule S1 as a question: may this VM be started on another host than the one it is placed on? Pure. Only a host
 * that says so itself, a fence, or a watchdog that must have acted make it certain; anything else is "no".
 */
import { isActive, isGuarded, policyOf, type VmRecord } from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";
import type { HostObservation } from "../observations/observations.ts";

export type StartElsewhere =
  | { readonly ok: true; readonly because: string }
  | { readonly ok: false; readonly because: string };

const yes = (because: string): StartElsewhere => ({ ok: true, because });
const no = (because: string): StartElsewhere => ({ ok: false, because });

export function mayStartElsewhere(
  vm: VmRecord,
  view: LedgerView,
  observed: HostObservation | undefined,
): StartElsewhere {
  if (vm.placement === undefined) return yes("it is on no host");
  const host = view.hosts.get(vm.placement.hostId);
  if (host === undefined) return no("its host was removed: nobody can say what runs there");
  if (vm.target !== undefined) return no("it is being moved");
  if (observed?.connected === true) {
    if (!observed.reported) return no(`host ${host.name} has not reported yet`);
    const here = observed.vms.get(vm.id);
    if (here === undefined) return yes(`host ${host.name} does not have it`);
    if (isActive(here.state) || here.migrating) return no(`it is ${here.state} on ${host.name}`);
    return yes(`host ${host.name} says it is off`);
  }
  if (host.off === undefined) return no(`it is not certain that host ${host.name} is off`);
  if (host.off.how !== "watchdog") return yes(`host ${host.name} is off: ${host.off.by}`);
  return isGuarded(policyOf(vm.spec))
    ? yes(`host ${host.name}: ${host.off.by}`)
    : no(`host ${host.name} may run it on: its policy says so`);
}
