/**
 * One bridge for each VLAN of an uplink, for older sites: reads the kernel with iproute2, decides in `plan-vlan-bridges.ts`,
 * changes it.
 */
import { MusterError, type NetworkObservation, type NetworkSpec, type VmId } from "@muster/model";
import { BridgedNetworks, runActions, type BridgeKind } from "../bridged-networks.ts";
import type { BridgeGroup } from "../bridging.ts";
import type { CommandRunner } from "../command-runner.ts";
import { networkMarks } from "../linux-bridge/linux-bridge-marks.ts";
import { planUnplug, planWholeTap } from "../linux-bridge/plan-tap.ts";
import { renderTapAction } from "../linux-bridge/render-tap-action.ts";
import { LIST_LINKS, parseKernelLinks } from "../links/kernel-links.ts";
import { demandOf } from "../network-demand.ts";
import type { NetworkPlan, NicAttachment, NicPlug, UplinkNetworks } from "../network-driver.ts";
import { OneAtATime } from "../one-at-a-time.ts";
import { planVlanBridges } from "./plan-vlan-bridges.ts";
import { renderVlanBridgeAction } from "./render-vlan-bridge-action.ts";
import { vlanBridgeMark, vlanBridgeName } from "./vlan-bridge-marks.ts";
import { vlanBridgeNicProblem, vlanBridgeProblem, type Links } from "./vlan-bridge-problems.ts";

const readLinks = async (runner: CommandRunner): Promise<Links> =>
  parseKernelLinks(await runner.run(LIST_LINKS));

const vlanBridgesKind = (group: BridgeGroup, runner: CommandRunner): BridgeKind<Links> => ({
  name: "vlan-bridges",
  bridgeOf: ({ vlan }) => vlanBridgeName(group.bridge, vlan),
  read: () => readLinks(runner),
  plan(links, wanted) {
    const { actions, refusals } = planVlanBridges(links, wanted, group);
    return {
      actions: actions.map(renderVlanBridgeAction),
      refusals: [...refusals].map(([network, message]) => ({ network, message })),
    };
  },
  marked: (links) =>
    new Map(
      [...links.values()]
        .filter((link) => vlanBridgeMark(link)?.stem === group.bridge)
        .flatMap(networkMarks)
        .map((mark) => [mark.name, mark]),
    ),
  problem: (links, network) => vlanBridgeProblem(links, network, group),
});

export class VlanBridgesDriver implements UplinkNetworks {
  readonly name = "vlan-bridges";
  readonly #group: BridgeGroup;
  readonly #runner: CommandRunner;
  readonly #networks: BridgedNetworks<Links>;
  readonly #turns = new OneAtATime();

  constructor(group: BridgeGroup, runner: CommandRunner) {
    this.#group = group;
    this.#runner = runner;
    this.#networks = new BridgedNetworks(vlanBridgesKind(group, runner), runner);
  }

  observe(): Promise<readonly NetworkObservation[]> {
    return this.#turns.run(() => this.#networks.observe());
  }

  plan(networks: readonly NetworkSpec[]): Promise<NetworkPlan> {
    return this.#turns.run(() => this.#networks.plan(networks));
  }

  apply(networks: readonly NetworkSpec[]): Promise<readonly NetworkObservation[]> {
    return this.#turns.run(() => this.#networks.apply(networks));
  }

  plug(nic: NicPlug): Promise<NicAttachment> {
    return this.#turns.run(async () => {
      const links = await readLinks(this.#runner);
      const network = demandOf(nic.network);
      const problem = vlanBridgeNicProblem(links, network, this.#group);
      const bridge = vlanBridgeName(this.#group.bridge, network.vlan);
      const plan =
        problem === undefined
          ? planWholeTap(links, nic, bridge)
          : ({ ok: false, reason: problem } as const);
      if (!plan.ok) {
        const what = `network ${nic.network.name} for NIC ${String(nic.index)} of vm ${nic.vmId}`;
        throw new MusterError("network-failed", `${what}: ${plan.reason}`);
      }
      await runActions(this.#runner, plan.actions.map(renderTapAction));
      return { kind: "tap", device: plan.device, mtu: nic.network.mtu };
    });
  }

  unplug(vmId: VmId): Promise<void> {
    return this.#turns.run(async () => {
      const links = await readLinks(this.#runner);
      const actions = planUnplug({ links }, vmId);
      await runActions(this.#runner, actions.map(renderTapAction));
    });
  }
}
