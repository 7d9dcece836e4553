/** Picks the driver for a host's networks. */
import { isMusterError } from "@muster/model";
import type { CommandRunner } from "./command-runner.ts";
import { HostNetworks } from "./host-networks.ts";
import { linuxBridging } from "./linux-bridge/linux-bridging.ts";
import type { NetworkDriver } from "./network-driver.ts";
import { BRIDGE_DEFAULTS, type NetworksConfig } from "./networks-config.ts";
import { openvswitchBridging } from "./openvswitch/openvswitch-bridging.ts";
import { errorLine } from "./bridged-networks.ts";

export interface ChosenDriver {
  readonly driver: NetworkDriver;
  /** One sentence for the log. */
  readonly why: string;
}

export async function chooseNetworkDriver(
  config: NetworksConfig,
  runner: CommandRunner,
): Promise<ChosenDriver> {
  switch (config.driver) {
    case "openvswitch":
      return { driver: openvswitch(config, runner), why: "the configuration says openvswitch" };
    case "linux-bridge":
      return { driver: linuxBridge(config, runner), why: "the configuration says linux-bridge" };
    case "auto": {
      const silence = await openvswitchSilence(runner);
      if (silence === undefined) {
        return { driver: openvswitch(config, runner), why: "Open vSwitch answers" };
      }
      const why = `Open vSwitch does not answer: ${silence}`;
      return { driver: linuxBridge(config, runner), why };
    }
  }
}

function openvswitch(config: NetworksConfig, runner: CommandRunner): NetworkDriver {
  const { bridge = BRIDGE_DEFAULTS.openvswitch, uplink, datapath } = config;
  return new HostNetworks({ bridge, uplink }, openvswitchBridging({ datapath }, runner), runner);
}

function linuxBridge(config: NetworksConfig, runner: CommandRunner): NetworkDriver {
  const { bridge = BRIDGE_DEFAULTS["linux-bridge"], uplink } = config;
  return new HostNetworks({ bridge, uplink }, linuxBridging(runner), runner);
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
