/**
 * 100 configurations for each kind of Linux bridge on a model of the kernel, each made twice, reached from another one and removed by an agent that
 * dies after every change. The same on Debian's kernel and on Open vSwitch: `npm run soak -- networks`.
 */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Bridging } from "./bridging.ts";
import type { CommandRunner } from "./command-runner.ts";
import { HostNetworks } from "./host-networks.ts";
import { linuxBridging } from "./linux-bridge/linux-bridging.ts";
import {
  anyHostConfiguration,
  SPARE_NICS,
  UNDERLAY_ADDRESS,
  UNDERLAY_NIC,
} from "./testing/host-arbitraries.ts";
import { kernelSnapshot } from "./testing/host-snapshot.ts";
import { ModelKernel } from "./testing/model-kernel.ts";
import { tryConfiguration } from "./testing/random-configurations.ts";
import { vlanBridging } from "./vlan-bridges/vlan-bridging.ts";

const SEED = 20_261_127;
/** Of each kind of bridge. */
const CONFIGURATIONS = 100;
const UPLINK_MTU = 1600;
const clock = { sleep: () => Promise.resolve() };

interface Kind {
  readonly name: string;
  readonly bridge: string;
  readonly hasTrunks: boolean;
  readonly bridging: (runner: CommandRunner) => Bridging;
}

const kinds: readonly Kind[] = [
  { name: "VLAN-aware bridges", bridge: "muster0", hasTrunks: true, bridging: linuxBridging },
  { name: "one bridge per VLAN", bridge: "mv", hasTrunks: false, bridging: vlanBridging },
];

function aKernel(): ModelKernel {
  const kernel = new ModelKernel();
  kernel.addCard("up1", { mtu: UPLINK_MTU, isUp: true });
  const states = [{ isUp: true }, { isUp: true }, { mtu: 1400 }, { mtu: 9000, isUp: true }];
  for (const [index, nic] of SPARE_NICS.entries()) kernel.addCard(nic, states[index]);
  kernel.addCard(UNDERLAY_NIC, { isUp: true, addresses: [UNDERLAY_ADDRESS] });
  return kernel;
}

describe.each(kinds)("a host's networks with $name", ({ bridge, bridging, hasTrunks }) => {
  it("are made, changed and removed from 100 configurations, however often the agent dies", async () => {
    const one = anyHostConfiguration({
      bonds: true,
      vlans: true,
      trunks: hasTrunks,
      configuredUplinkMtu: UPLINK_MTU,
    });
    const totals = { configurations: 0, interruptions: 0 };
    await fc.assert(
      fc.asyncProperty(fc.tuple(one, one), async (pair) => {
        const runner = aKernel();
        const openDriver = (own: CommandRunner) =>
          new HostNetworks(
            { bridge, uplink: "up1" },
            { bridging: bridging(own), runner: own, clock },
          );
        const snapshot = () => kernelSnapshot(runner);
        await tryConfiguration({ runner, openDriver, snapshot }, pair, totals);
      }),
      { seed: SEED, numRuns: CONFIGURATIONS },
    );
    expect(totals.configurations).toBe(CONFIGURATIONS);
    expect(totals.interruptions).toBeGreaterThan(20 * CONFIGURATIONS);
  });
});
