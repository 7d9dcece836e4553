/** MACs that hosts have seen on VMs, wild ones too. Pure but for what it is given. */
import type { Observations } from "../observations/observations.ts";

export function wildMacs(observations: Observations): ReadonlySet<string> {
  const macs = new Set<string>();
  for (const host of observations.hosts().values()) {
    for (const vm of host.vms.values()) for (const mac of vm.macs) macs.add(mac);
  }
  return macs;
}
