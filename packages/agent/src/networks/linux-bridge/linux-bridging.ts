/** VLAN-aware Linux bridges of one host, one for each uplink. */
import { bridgeName } from "../bridge-names.ts";
import type { BridgesThere, Bridging } from "../bridging.ts";
import type { CommandRunner } from "../command-runner.ts";
import { LIST_LINKS, parseKernelLinks } from "../links/kernel-links.ts";
import { LinuxBridgeDriver } from "./linux-bridge-driver.ts";
import { isOurBridge, uplinkOfAlias } from "./linux-bridge-marks.ts";

export const linuxBridging = (runner: CommandRunner): Bridging => ({
  name: "linux-bridge",
  groupName: bridgeName,
  open: (group) => new LinuxBridgeDriver(group, runner),
  async look(): Promise<BridgesThere> {
    const links = [...parseKernelLinks(await runner.run(LIST_LINKS)).values()];
    const ours = links
      .filter(isOurBridge)
      .map(({ name, alias }) => ({ bridge: name, uplink: uplinkOfAlias(alias) }));
    const ports = links.flatMap(({ name, master }) =>
      master === undefined ? [] : [[name, master] as const],
    );
    return { ours, groupOf: new Map(ports) };
  },
});
