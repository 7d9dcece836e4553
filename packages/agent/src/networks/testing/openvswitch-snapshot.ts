/** What a host with Open vSwitch has, in a form that is equal when nothing changed. */
import type { CommandRunner } from "../command-runner.ts";
import { readOpenvswitchState } from "../openvswitch/openvswitch-driver.ts";

/** Everything but what ovs-vswitchd counts and times. */
export async function openvswitchSnapshot(runner: CommandRunner) {
  const state = await readOpenvswitchState(runner);
  const byName = <Item extends { readonly name: string }>(items: Iterable<Item>): Item[] =>
    [...items].toSorted((left, right) => (left.name < right.name ? -1 : 1));
  const sortedIds = (ids: ReadonlyMap<string, string>) => Object.fromEntries([...ids].toSorted());
  return {
    bridges: byName(state.bridges.values()).map((bridge) => ({
      name: bridge.name,
      externalIds: sortedIds(bridge.externalIds),
      ports: byName(bridge.ports.values()).map((port) => ({
        ...port,
        externalIds: sortedIds(port.externalIds),
        interfaces: port.interfaces.map(({ name, externalIds, mtuRequest, error }) => ({
          name,
          externalIds: sortedIds(externalIds),
          mtuRequest,
          error,
        })),
      })),
    })),
    links: byName(state.links.values())
      .filter(({ name }) => name !== "ovs-netdev")
      .map(({ name, mtu, isUp, alias, master, altNames, addresses }) => ({
        name,
        mtu,
        isUp,
        alias,
        master,
        altNames: altNames.toSorted(),
        addresses: addresses.toSorted(),
      })),
  };
}
