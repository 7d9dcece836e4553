/** Open vSwitch bridges of one host, one for each uplink. */
import { bridgeName } from "../bridge-names.ts";
import type { BridgesThere, Bridging } from "../bridging.ts";
import type { CommandRunner } from "../command-runner.ts";
import { OpenvswitchDriver, readOpenvswitchState } from "./openvswitch-driver.ts";
import { isOurBridge, isOurUplink } from "./openvswitch-marks.ts";
import type { OpenvswitchConfig } from "./openvswitch-problems.ts";

export const openvswitchBridging = (
  { datapath }: Pick<OpenvswitchConfig, "datapath">,
  runner: CommandRunner,
): Bridging => ({
  name: "openvswitch",
  groupName: bridgeName,
  open: (group) => new OpenvswitchDriver({ ...group, datapath }, runner),
  async look(): Promise<BridgesThere> {
    const { bridges } = await readOpenvswitchState(runner);
    const all = [...bridges.values()];
    const ours = all.filter(isOurBridge).map(({ name, ports }) => ({
      bridge: name,
      uplink: [...ports.values()].find(isOurUplink)?.name,
    }));
    const ports = all.flatMap(({ name, ports: own }) =>
      [...own.keys()].map((port) => [port, name] as const),
    );
    const tags = all.flatMap(({ ports: own }) =>
      [...own.values()].flatMap(({ name, tag }) =>
        tag === undefined ? [] : [[name, tag] as const],
      ),
    );
    return { ours, groupOf: new Map(ports), tagOf: new Map(tags) };
  },
});
