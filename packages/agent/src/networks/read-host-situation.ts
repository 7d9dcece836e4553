/** Reads a host, and sees what somebody wants of it against what is there. */
import type { NetworkSpec } from "@muster/model";
import type { Bridging } from "./bridging.ts";
import type { CommandRunner } from "./command-runner.ts";
import { demandOfDevices } from "./devices/device-demand.ts";
import { readDevices } from "./devices/read-devices.ts";
import type { HostLayout } from "./host-layout.ts";
import { groupNetworks, type HostNetworksConfig, type HostSituation } from "./host-situation.ts";
import { demandOfInterfaces, withSafeBonds } from "./interfaces/interface-demand.ts";
import { readRoutesIfNeeded } from "./interfaces/read-routes.ts";

export interface SituationParts {
  readonly config: HostNetworksConfig;
  readonly bridging: Bridging;
  readonly runner: CommandRunner;
}

export interface Wanted {
  readonly networks: readonly NetworkSpec[];
  readonly layout: HostLayout;
  /** Why a device could not be made, by owner. */
  readonly failures: ReadonlyMap<string, string>;
}

/** Rejects with "network-failed" when the host cannot be asked. */
export async function readHostSituation(
  { config, bridging, runner }: SituationParts,
  { networks, layout, failures }: Wanted,
): Promise<HostSituation> {
  const there = await bridging.look();
  const { links, drivers } = await readDevices(runner, layout);
  const routes = await readRoutesIfNeeded(runner, layout, links);
  const bridgeOf = there.groupOf;
  const asked = { layout, links, drivers, bridgeOf };
  const ownBridges = new Set(there.ours.map(({ bridge }) => bridge));
  const all = demandOfDevices({ ...asked, networks, configuredUplink: config.uplink, ownBridges });
  const interfaces = demandOfInterfaces({ ...asked, devices: all, routes });
  const devices = withSafeBonds(all, interfaces, links);
  const groupName = (label: string): string => bridging.groupName(label);
  const grouping = groupNetworks(networks, { config, groupName, devices, there, failures });
  return { networks, layout, links, there, devices, interfaces, routes, ...grouping };
}
