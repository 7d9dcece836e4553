/** Everything that the kernel has of networks, in a form that is equal when nothing changed. */
import type { CommandRunner } from "../command-runner.ts";
import { readDefaultRoutes } from "../interfaces/read-routes.ts";
import type { BondSettings } from "../links/kernel-links.ts";
import { readLinuxBridgeState } from "../linux-bridge/linux-bridge-state.ts";

export async function kernelSnapshot(runner: CommandRunner) {
  const { links, vlans } = await readLinuxBridgeState(runner);
  const routes = await readDefaultRoutes(runner);
  return [...links.values()]
    .toSorted((left, right) => (left.name < right.name ? -1 : 1))
    .map(({ hasCarrier: _carrier, macAddress: _mac, permanentMac: _own, ...link }) => ({
      ...link,
      ...(link.bond === undefined ? {} : { bond: settingsThatCount(link.bond) }),
      altNames: link.altNames.toSorted(),
      addresses: link.addresses.toSorted(),
      routes: routes.filter(({ device }) => device === link.name),
      vlans: [...(vlans.get(link.name)?.values() ?? [])],
    }));
}

/** The kernel keeps the LACP rate of a bond that no longer speaks it. */
const settingsThatCount = ({ lacpRate, ...bond }: BondSettings) => ({
  ...bond,
  lacpRate: bond.mode === "802.3ad" ? lacpRate : "",
});
