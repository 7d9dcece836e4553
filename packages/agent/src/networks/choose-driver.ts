/** Picks the driver for a host's networks. */
import { isMusterError } from "@muster/model";
import type { CommandRunner } from "./command-runner.ts";
import { systemClock } from "@muster/runtime";
import type { Bridging } from "./bridging.ts";
import { HostNetworks, type HostNetworksParts } from "./host-networks.ts";
import type { HostNetworksConfig } from "./host-situation.ts";
import { linuxBridging } from "./linux-bridge/linux-bridging.ts";
import type { NetworkDriver } from "./network-driver.ts";
import { BRIDGE_DEFAULTS, type NetworksConfig } from "./networks-config.ts";
import { openvswitchBridging } from "./openvswitch/openvswitch-bridging.ts";
import { errorLine } from "./bridged-networks.ts";
import { vlanBridging } from "./vlan-bridges/vlan-bridging.ts";

export interface ChosenDriver {
  readonly driver: NetworkDriver;
  /** One sentence for the log. */
  readonly why: string;
}

export type DriverParts = Pick<HostNetworksParts, "runner" | "traffic">;

export async function chooseNetworkDriver(
  config: NetworksConfig,
  { runner, traffic }: DriverParts,
): Promise<ChosenDriver> {
  const parts = { runner, ...(traffic === undefined ? {} : { traffic }) };
  switch (config.driver) {
    case "openvswitch":
      return { driver: openvswitch(config, parts), why: "the configuration says openvswitch" };
    case "linux-bridge":
      return { driver: linuxBridge(config, parts), why: "the configuration says linux-bridge" };
    case "vlan-bridges":
      return { driver: vlanBridges(config, parts), why: "the configuration says vlan-bridges" };
    case "auto": {
      const silence = await openvswitchSilence(runner);
      if (silence === undefined) {
        return { driver: openvswitch(config, parts), why: "Open vSwitch answers" };
      }
      const why = `Open vSwitch does not answer: ${silence}`;
      return { driver: linuxBridge(config, parts), why };
    }
  }
}

const hostNetworks = (
  config: HostNetworksConfig,
  bridging: Bridging,
  parts: DriverParts,
): NetworkDriver => new HostNetworks(config, { ...parts, bridging, clock: systemClock });

function openvswitch(config: NetworksConfig, parts: DriverParts): NetworkDriver {
  const { bridge = BRIDGE_DEFAULTS.openvswitch, uplink, datapath } = config;
  return hostNetworks({ bridge, uplink }, openvswitchBridging({ datapath }, parts.runner), parts);
}

function linuxBridge(config: NetworksConfig, parts: DriverParts): NetworkDriver {
  const { bridge = BRIDGE_DEFAULTS["linux-bridge"], uplink } = config;
  return hostNetworks({ bridge, uplink }, linuxBridging(parts.runner), parts);
}

function vlanBridges(config: NetworksConfig, parts: DriverParts): NetworkDriver {
  const { bridge = BRIDGE_DEFAULTS["vlan-bridges"], uplink } = config;
  return hostNetworks({ bridge, uplink }, vlanBridging(parts.runner), parts);
}

/** Why Open vSwitch is not there; undefined: it is. */
async function openvswitchSilence(runner: CommandRunner): Promise<string | undefined> {
  try {
    await runner.run(["ovs-vsctl", "--timeout=5", "--no-wait", "show"]);
    return undefined;
  } catch (error) {
    if (isMusterError(error)) return errorLine(error);
    throw error;
  }
}
