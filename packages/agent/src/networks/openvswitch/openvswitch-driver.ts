/** Networks on Open vSwitch: reads its database with ovs-vsctl, decides in `plan-openvswitch.ts`, changes it. */
import { MusterError, type NetworkObservation, type NetworkSpec, type VmId } from "@muster/model";
import type { CommandRunner } from "../command-runner.ts";
import { LIST_LINKS } from "../links/kernel-links.ts";
import type { NetworkDemand } from "../network-demand.ts";
import { demandOf, nicTrunk, nicTrunkProblem } from "../network-demand.ts";
import type { NetworkPlan, NicAttachment, NicPlug, UplinkNetworks } from "../network-driver.ts";
import { OneAtATime } from "../one-at-a-time.ts";
import { BridgedNetworks, type BridgeKind } from "../bridged-networks.ts";
import { VM_KEY, markedNetworks } from "./openvswitch-marks.ts";
import {
  LIST_OPENVSWITCH,
  OVS_VSCTL,
  parseOpenvswitchState,
  type OpenvswitchState,
} from "./openvswitch-state.ts";
import {
  openvswitchNicProblem,
  openvswitchProblem,
  type OpenvswitchConfig,
} from "./openvswitch-problems.ts";
import { planOpenvswitch } from "./plan-openvswitch.ts";
import { renderOpenvswitchAction } from "./render-openvswitch-action.ts";

export async function readOpenvswitchState(runner: CommandRunner): Promise<OpenvswitchState> {
  const tables = await runner.run(LIST_OPENVSWITCH);
  return parseOpenvswitchState({ tables, links: await runner.run(LIST_LINKS) });
}

function openvswitchKind(
  config: OpenvswitchConfig,
  runner: CommandRunner,
): BridgeKind<OpenvswitchState> {
  return {
    name: "openvswitch",
    bridgeOf: () => config.bridge,
    read: () => readOpenvswitchState(runner),
    plan(state, wanted) {
      const { actions, refusals } = planOpenvswitch(state, wanted, config);
      return {
        actions: actions.map(renderOpenvswitchAction),
        refusals: [...refusals].map(([network, message]) => ({ network, message })),
      };
    },
    marked(state) {
      const bridge = state.bridges.get(config.bridge);
      return bridge === undefined ? new Map<string, NetworkDemand>() : markedNetworks(bridge);
    },
    problem: (state, network) => openvswitchProblem(state, network, config),
  };
}

export class OpenvswitchDriver implements UplinkNetworks {
  readonly name = "openvswitch";
  readonly #config: OpenvswitchConfig;
  readonly #runner: CommandRunner;
  readonly #kind: BridgeKind<OpenvswitchState>;
  readonly #networks: BridgedNetworks<OpenvswitchState>;
  readonly #turns = new OneAtATime();

  constructor(config: OpenvswitchConfig, runner: CommandRunner) {
    this.#config = config;
    this.#runner = runner;
    this.#kind = openvswitchKind(config, runner);
    this.#networks = new BridgedNetworks(this.#kind, runner);
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
      const network = demandOf(nic.network);
      const problem =
        nicTrunkProblem(network, nic.trunk) ??
        openvswitchNicProblem(await this.#kind.read(), network, this.#config);
      if (problem !== undefined) {
        const what = `network ${nic.network.name} for NIC ${String(nic.index)} of vm ${nic.vmId}`;
        throw new MusterError("network-failed", `${what}: ${problem}`);
      }
      const { vlan, mtu } = network;
      const port = { kind: "openvswitch", bridge: this.#config.bridge, vlan, mtu } as const;
      return network.trunk === undefined ? port : { ...port, trunk: nicTrunk(network, nic.trunk) };
    });
  }

  /** libvirt removes the ports of a VM that stops; this finds those it left behind, as after a power cut. */
  unplug(vmId: VmId): Promise<void> {
    return this.#turns.run(async () => {
      const { bridges } = await this.#kind.read();
      const ports = [...(bridges.get(this.#config.bridge)?.ports.values() ?? [])];
      const stale = ports.filter((port) =>
        port.interfaces.some(({ externalIds }) => externalIds.get(VM_KEY) === vmId),
      );
      for (const { name } of stale) {
        await this.#runner.run([
          ...OVS_VSCTL,
          "--if-exists",
          "del-port",
          this.#config.bridge,
          name,
        ]);
      }
    });
  }
}
