/**
 * Networks on a VLAN-aware Linux bridge of our own: reads the kernel with iproute2, decides in
 * `plan-linux-bridge.ts` and `plan-tap.ts`, changes it.
 */
import { MusterError, type NetworkObservation, type NetworkSpec, type VmId } from "@muster/model";
import type { CommandRunner } from "../command-runner.ts";
import type { NetworkDemand } from "../network-demand.ts";
import type { NetworkPlan, NicAttachment, NicPlug, UplinkNetworks } from "../network-driver.ts";
import { OneAtATime } from "../one-at-a-time.ts";
import { BridgedNetworks, runActions, type BridgeKind } from "../bridged-networks.ts";
import { isOurBridge, networkMarks } from "./linux-bridge-marks.ts";
import { linuxBridgeProblem, type LinuxBridgeConfig } from "./linux-bridge-problems.ts";
import { readLinuxBridgeState, type LinuxBridgeState } from "./linux-bridge-state.ts";
import { planLinuxBridge } from "./plan-linux-bridge.ts";
import { planPlug, planUnplug } from "./plan-tap.ts";
import { renderLinuxBridgeAction } from "./render-linux-bridge-action.ts";
import { renderTapAction } from "./render-tap-action.ts";

function linuxBridgeKind(
  config: LinuxBridgeConfig,
  runner: CommandRunner,
): BridgeKind<LinuxBridgeState> {
  return {
    name: "linux-bridge",
    bridgeOf: () => config.bridge,
    read: () => readLinuxBridgeState(runner),
    plan(state, wanted) {
      const { actions, refusals } = planLinuxBridge(state, wanted, config);
      return {
        actions: actions.map(renderLinuxBridgeAction),
        refusals: [...refusals].map(([network, message]) => ({ network, message })),
      };
    },
    marked(state) {
      const bridge = state.links.get(config.bridge);
      if (bridge === undefined || !isOurBridge(bridge)) return new Map<string, NetworkDemand>();
      return new Map(networkMarks(bridge).map((mark) => [mark.name, mark]));
    },
    problem: (state, network) => linuxBridgeProblem(state, network, config),
  };
}

export class LinuxBridgeDriver implements UplinkNetworks {
  readonly name = "linux-bridge";
  readonly #config: LinuxBridgeConfig;
  readonly #runner: CommandRunner;
  readonly #networks: BridgedNetworks<LinuxBridgeState>;
  readonly #turns = new OneAtATime();

  constructor(config: LinuxBridgeConfig, runner: CommandRunner) {
    this.#config = config;
    this.#runner = runner;
    this.#networks = new BridgedNetworks(linuxBridgeKind(config, runner), runner);
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
      const plan = planPlug(await readLinuxBridgeState(this.#runner), nic, this.#config);
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
      const actions = planUnplug(await readLinuxBridgeState(this.#runner), vmId);
      await runActions(this.#runner, actions.map(renderTapAction));
    });
  }
}
