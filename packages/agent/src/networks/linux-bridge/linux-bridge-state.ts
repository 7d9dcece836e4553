/** What the kernel says of devices and of the VLANs on bridge ports. */
import type { CommandRunner } from "../command-runner.ts";
import { LIST_BRIDGE_VLANS, parseBridgeVlans, type BridgeVlans } from "../links/bridge-vlans.ts";
import { LIST_LINKS, parseKernelLinks, type KernelLink } from "../links/kernel-links.ts";

export interface LinuxBridgeState {
  readonly links: ReadonlyMap<string, KernelLink>;
  readonly vlans: BridgeVlans;
}

export async function readLinuxBridgeState(runner: CommandRunner): Promise<LinuxBridgeState> {
  const links = parseKernelLinks(await runner.run(LIST_LINKS));
  return { links, vlans: parseBridgeVlans(await runner.run(LIST_BRIDGE_VLANS)) };
}
