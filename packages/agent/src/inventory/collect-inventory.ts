/** The full inventory of a host: asks libvirt and the system at once, then leaves the rest to `hostReport`. */
import type { HostInventory } from "@muster/model";
import type { Hypervisor } from "../hypervisor/hypervisor.ts";
import { hostReport } from "./host-report.ts";
import type { SystemProbe } from "./system-facts.ts";

export async function collectInventory(parts: {
  readonly hypervisor: Pick<Hypervisor, "facts">;
  readonly system: SystemProbe;
  readonly agentVersion: string;
}): Promise<HostInventory> {
  const [hypervisor, system] = await Promise.all([
    parts.hypervisor.facts(),
    parts.system.readFacts(),
  ]);
  return hostReport({ hypervisor, system, agentVersion: parts.agentVersion });
}
