/** Bridges of one VLAN each, of one host, by the uplinks they are on. */
import { vlanBridgeStem } from "../bridge-names.ts";
import type { BridgeGroup, BridgesThere, Bridging } from "../bridging.ts";
import type { CommandRunner } from "../command-runner.ts";
import { LIST_LINKS, parseKernelLinks } from "../links/kernel-links.ts";
import { vlanBridgeMark } from "./vlan-bridge-marks.ts";
import { VlanBridgesDriver } from "./vlan-bridges-driver.ts";

export const vlanBridging = (runner: CommandRunner): Bridging => ({
  name: "vlan-bridges",
  groupName: vlanBridgeStem,
  open: (group) => new VlanBridgesDriver(group, runner),
  async look(): Promise<BridgesThere> {
    const links = parseKernelLinks(await runner.run(LIST_LINKS));
    const ours = new Map<string, BridgeGroup>();
    for (const link of links.values()) {
      const mark = vlanBridgeMark(link);
      if (mark === undefined) continue;
      const known = ours.get(mark.stem)?.uplink;
      ours.set(mark.stem, { bridge: mark.stem, uplink: known ?? mark.uplink });
    }
    const groupOf = [...links.values()].flatMap(({ name, master }) => {
      const bridge = master === undefined ? undefined : links.get(master);
      if (bridge === undefined || master === undefined) return [];
      return [[name, vlanBridgeMark(bridge)?.stem ?? master] as const];
    });
    return { ours: [...ours.values()], groupOf: new Map(groupOf) };
  },
});
