/**
 * The networks of a whole host: its bonds and MTUs, and on each uplink the bridges of the host's kind.
 *
 * The order of an `apply`: bridges give up what is no longer theirs, bonds are put together and MTUs raised, bridges take
 * their uplinks and networks, MTUs are lowered and NICs that nobody needs are made what they were. Each part reads the
 * host anew, so that one which was interrupted is finished by the next.
 */
import {
  isMusterError,
  MusterError,
  type NetworkObservation,
  type NetworkSpec,
  type VmId,
} from "@muster/model";
import type { Clock } from "@muster/runtime";
import { errorLine, runActions } from "./bridged-networks.ts";
import type { BridgeGroup, BridgesThere, Bridging } from "./bridging.ts";
import type { CommandRunner } from "./command-runner.ts";
import type { BondDemand } from "./devices/device-demand.ts";
import { planDevices } from "./devices/plan-devices.ts";
import { renderDeviceAction } from "./devices/render-device-action.ts";
import { refusedNetwork, withDevice, withInterface, type OwnedAction } from "./host-actions.ts";
import {
  nothingObserved,
  type HostLayout,
  type LayoutObservation,
  noLayout,
} from "./host-layout.ts";
import { observeInterfaces } from "./interfaces/observe-interfaces.ts";
import { planInterfaces, type InterfacePlan } from "./interfaces/plan-interfaces.ts";
import { renderInterfaceAction } from "./interfaces/render-interface-action.ts";
import type { KernelLink } from "./links/kernel-links.ts";
import type {
  NetworkDriver,
  NetworkPlan,
  NetworkRefusal,
  NicAttachment,
  NicPlug,
  UplinkNetworks,
} from "./network-driver.ts";
import {
  heldNics,
  leftOver,
  movingGroups,
  namesOf,
  type GroupDemand,
  type HostNetworksConfig,
  type HostSituation,
} from "./host-situation.ts";
import { readHostSituation } from "./read-host-situation.ts";
import { observeUplinks } from "./observe-uplinks.ts";
import { Carriage } from "./traffic/carries.ts";
import { Names, readTraffic, type TrafficEnds } from "./traffic/host-traffic.ts";
import { OneAtATime } from "./one-at-a-time.ts";

/** Twenty looks of a bond at its members; a partner that speaks LACP answers within as much. */
const CARRIER_WAIT_MS = 2_000;
const CARRIER_POLL_MS = 50;

export interface HostNetworksParts {
  readonly bridging: Bridging;
  readonly runner: CommandRunner;
  readonly clock: Pick<Clock, "sleep">;
  /** Absent: nothing of the host's own is known to ride on anything. */
  readonly traffic?: TrafficEnds;
}

export class HostNetworks implements NetworkDriver {
  readonly name: NetworkDriver["name"];
  readonly #config: HostNetworksConfig;
  readonly #bridging: Bridging;
  readonly #runner: CommandRunner;
  readonly #clock: Pick<Clock, "sleep">;
  readonly #traffic: TrafficEnds | undefined;
  readonly #names: Names;
  readonly #turns = new OneAtATime();
  /** By the group's name; a new one when its uplink is another. */
  readonly #opened = new Map<
    string,
    { readonly group: BridgeGroup; readonly on: UplinkNetworks }
  >();
  /** Of the last `apply`. Undefined until then: whatever carries our mark is taken to be wanted. */
  #wanted: { readonly networks: readonly NetworkSpec[]; readonly layout: HostLayout } | undefined;
  #refusals: readonly NetworkRefusal[] = [];
  /** Why a device could not be made by the last `apply`, by owner. */
  #failures: ReadonlyMap<string, string> = new Map();

  constructor(config: HostNetworksConfig, parts: HostNetworksParts) {
    this.name = parts.bridging.name;
    this.#config = config;
    this.#bridging = parts.bridging;
    this.#runner = parts.runner;
    this.#clock = parts.clock;
    this.#traffic = parts.traffic;
    this.#names = new Names(parts.clock);
  }

  observe(): Promise<readonly NetworkObservation[]> {
    return this.#turns.run(() => this.#observe());
  }

  observeLayout(): Promise<LayoutObservation> {
    return this.#turns.run(async () => {
      if (this.#wanted === undefined) return nothingObserved;
      const { networks, layout } = this.#wanted;
      const now = await this.#situation(networks, layout);
      const { links, devices, there, routes } = now;
      const carriage = await this.#carriage(links, there);
      const failures = this.#failures;
      const carries = (names: readonly string[]) => carriage.ofDevices(names);
      const uplinks = observeUplinks(devices, links, failures).map((uplink) => ({
        ...uplink,
        carries: carries([uplink.device, ...uplink.members]),
      }));
      const seen = { wanted: now.interfaces, devices, links, routes, failures, carries };
      return { uplinks, interfaces: observeInterfaces(seen) };
    });
  }

  plan(networks: readonly NetworkSpec[], layout: HostLayout = noLayout): Promise<NetworkPlan> {
    return this.#turns.run(async () => {
      const situation = await this.#situation(networks, layout);
      const { devices, links, groups, refusals } = situation;
      const { prepare, tidy } = planDevices(devices, links, heldNics(situation));
      const { leave, take, make, giveBack } = interfacePlan(situation);
      const plans: NetworkPlan[] = [];
      for (const group of this.#leftOver(situation)) plans.push(await this.#open(group).plan([]));
      for (const group of groups.values()) plans.push(await this.#planGroup(group, links));
      return {
        actions: [
          ...[...leave, ...take].map(renderInterfaceAction),
          ...prepare.map(renderDeviceAction),
          ...make.map(renderInterfaceAction),
          ...plans.flatMap(({ actions }) => actions),
          ...tidy.map(renderDeviceAction),
          ...giveBack.map(renderInterfaceAction),
        ],
        refusals: [...refusals, ...plans.flatMap((plan) => plan.refusals)],
      };
    });
  }

  apply(
    networks: readonly NetworkSpec[],
    layout: HostLayout = noLayout,
  ): Promise<readonly NetworkObservation[]> {
    return this.#turns.run(async () => {
      this.#wanted = { networks, layout };
      this.#failures = new Map();
      this.#refusals = [];
      try {
        await this.#apply(networks, layout);
      } catch (error) {
        if (!isMusterError(error)) throw error;
        // What cannot be asked cannot be told either: every network says why.
        const message = errorLine(error);
        this.#refusals = networks.map(({ name }) => ({ network: name, message }));
      }
      return this.#observe();
    });
  }

  plug(nic: NicPlug): Promise<NicAttachment> {
    return this.#turns.run(async () => {
      const refused = this.#refusals.find(({ network }) => network === nic.network.name);
      if (refused !== undefined) throw notPlugged(nic, refused.message);
      const layout = this.#wanted?.layout ?? noLayout;
      const { groups, refusals } = await this.#situation([nic.network], layout);
      const [refusal] = refusals;
      if (refusal !== undefined) throw notPlugged(nic, refusal.message);
      const group = [...groups.values()].find(({ networks }) => networks.length > 0);
      if (group === undefined) throw notPlugged(nic, "not set up on this host");
      const [network = nic.network] = group.networks;
      return this.#open(group).plug({ ...nic, network });
    });
  }

  unplug(vmId: VmId): Promise<void> {
    return this.#turns.run(async () => {
      const { ours } = await this.#bridging.look();
      const others = ours.filter(({ bridge }) => bridge !== this.#config.bridge);
      for (const group of [this.#default, ...others]) await this.#open(group).unplug(vmId);
    });
  }

  get #default(): BridgeGroup {
    const { bridge, uplink } = this.#config;
    return this.#opened.get(bridge)?.group ?? { bridge, uplink };
  }

  async #apply(networks: readonly NetworkSpec[], layout: HostLayout): Promise<void> {
    const look = () => this.#situation(networks, layout);
    const failures = new Map<string, string>();
    this.#failures = failures;
    let now = await look();
    if (await this.#release(now)) now = await look();
    const { leave, take } = interfacePlan(now);
    await this.#carryOut([...leave, ...take].map(withInterface), failures);
    if (leave.length + take.length > 0) now = await look();
    const { prepare } = planDevices(now.devices, now.links, heldNics(now));
    await this.#carryOut(prepare.map(withDevice), failures);
    if (prepare.length > 0) now = await this.#settled(look);
    const { make, giveBack } = interfacePlan(now);
    await this.#carryOut(make.map(withInterface), failures);
    this.#refusals = now.refusals;
    for (const group of now.groups.values()) await this.#open(group).apply(group.networks);
    // Bridges change nothing of what is left to do for NICs.
    const { tidy } = planDevices(now.devices, now.links, heldNics(now));
    await this.#carryOut([...tidy.map(withDevice), ...giveBack.map(withInterface)], failures);
  }

  /** A bond looks at its members' carriers every so often: until then it says that it has none. */
  async #settled(look: () => Promise<HostSituation>): Promise<HostSituation> {
    for (let waitedMs = 0; ; waitedMs += CARRIER_POLL_MS) {
      const now = await look();
      const isUp = ({ spec, members }: BondDemand): boolean =>
        now.links.get(spec.name)?.hasCarrier !== false ||
        members.every((member) => now.links.get(member)?.hasCarrier !== true);
      if (waitedMs >= CARRIER_WAIT_MS || [...now.devices.bonds.values()].every(isUp)) return now;
      await this.#clock.sleep(CARRIER_POLL_MS);
    }
  }

  /**
   * Bridges of labels that are gone go, and an uplink leaves its bridge before it may become something else. True: there
   * was something to do.
   */
  async #release(situation: HostSituation): Promise<boolean> {
    const gone = this.#leftOver(situation);
    for (const group of gone) await this.#open(group).apply([]);
    const moving = movingGroups(situation);
    for (const { bridge, networks } of moving) {
      await this.#bridging.open({ bridge, uplink: undefined }).apply(networks);
    }
    return gone.length + moving.length > 0;
  }

  #leftOver(situation: HostSituation): readonly BridgeGroup[] {
    return leftOver(situation, (label) => this.#bridging.groupName(label));
  }

  async #carryOut(actions: readonly OwnedAction[], failures: Map<string, string>): Promise<void> {
    for (const { owner, action } of actions) {
      if (owner !== "" && failures.has(owner)) continue;
      try {
        await runActions(this.#runner, [action]);
      } catch (error) {
        if (!isMusterError(error)) throw error;
        failures.set(owner, errorLine(error));
      }
    }
  }

  #situation(networks: readonly NetworkSpec[], layout: HostLayout): Promise<HostSituation> {
    const parts = { config: this.#config, bridging: this.#bridging, runner: this.#runner };
    return readHostSituation(parts, { networks, layout, failures: this.#failures });
  }

  #open(group: BridgeGroup): UplinkNetworks {
    const { bridge, uplink, uplinkMtu } = group;
    const opened = this.#opened.get(bridge);
    if (opened !== undefined && isSameUplink(opened.group, group)) return opened.on;
    const own: BridgeGroup = { bridge, uplink, ...(uplinkMtu === undefined ? {} : { uplinkMtu }) };
    const on = this.#bridging.open(own);
    this.#opened.set(bridge, { group: own, on });
    return on;
  }

  /** A bond that is still to be made can be no port yet. */
  async #planGroup(
    group: GroupDemand,
    links: ReadonlyMap<string, KernelLink>,
  ): Promise<NetworkPlan> {
    const { bridge, uplink, networks } = group;
    if (uplink === undefined || uplink === this.#config.uplink || links.has(uplink)) {
      return this.#open(group).plan(networks);
    }
    const plan = await this.#bridging.open({ bridge, uplink: undefined }).plan(networks);
    const summary = `add uplink ${uplink} to bridge ${bridge}`;
    return { ...plan, actions: [...plan.actions, { summary, commands: [] }] };
  }

  async #observe(): Promise<readonly NetworkObservation[]> {
    const observed = new Map<string, NetworkObservation>();
    for (const group of await this.#groupsToObserve()) {
      for (const network of await this.#open(group).observe()) observed.set(network.name, network);
    }
    const refused = this.#refusals.flatMap(({ network, message }) => {
      const spec = this.#wanted?.networks.find(({ name }) => name === network);
      return spec === undefined ? [] : [refusedNetwork(spec, message, this.name)];
    });
    for (const network of refused) observed.set(network.name, network);
    const all = [...observed.values()].toSorted((left, right) => (left.name < right.name ? -1 : 1));
    return this.#withTraffic(all);
  }

  async #withTraffic(
    observed: readonly NetworkObservation[],
  ): Promise<readonly NetworkObservation[]> {
    if (this.#traffic === undefined || this.#wanted === undefined) return observed;
    try {
      const { networks, layout } = this.#wanted;
      const { links, there, groups } = await this.#situation(networks, layout);
      const carriage = await this.#carriage(links, there);
      return observed.map((network) => {
        const spec = networks.find(({ name }) => name === network.name);
        if (spec === undefined) return network;
        const group = [...groups.values()].find((each) => each.networks.includes(spec));
        return { ...network, carries: carriage.ofNetwork(spec, [network.bridge, group?.uplink]) };
      });
    } catch (error) {
      // Who cannot be asked has said so for each network already.
      if (isMusterError(error)) return observed;
      throw error;
    }
  }

  async #carriage(links: HostSituation["links"], there: BridgesThere): Promise<Carriage> {
    const wiring = { links, bridgeOf: there.groupOf, tagOf: there.tagOf ?? new Map() };
    if (this.#traffic === undefined) return new Carriage([], wiring);
    const question = { runner: this.#runner, names: this.#names, links };
    return new Carriage(await readTraffic(question, this.#traffic), wiring);
  }

  async #groupsToObserve(): Promise<readonly BridgeGroup[]> {
    try {
      const { ours } = await this.#bridging.look();
      const opened = [...this.#opened.values()].map(({ group }) => group);
      const known = new Set([this.#config.bridge, ...opened.map(({ bridge }) => bridge)]);
      const others = opened.filter(({ bridge }) => bridge !== this.#config.bridge);
      const unknown = ours.filter(({ bridge }) => !known.has(bridge));
      const isThere = ({ bridge }: BridgeGroup): boolean =>
        this.#isWanted(bridge) || ours.some((group) => group.bridge === bridge);
      return [this.#default, ...others.filter(isThere), ...unknown];
    } catch (error) {
      if (!isMusterError(error)) throw error;
      // Each of those that were wanted says what is wrong.
      return [...this.#opened.values()].map(({ group }) => group);
    }
  }

  #isWanted(bridge: string): boolean {
    const groupName = (label: string): string => this.#bridging.groupName(label);
    return namesOf(this.#wanted?.networks ?? [], groupName).includes(bridge);
  }
}

const interfacePlan = ({ interfaces, links, routes }: HostSituation): InterfacePlan =>
  planInterfaces(interfaces, links, routes);

const isSameUplink = (left: BridgeGroup, right: BridgeGroup): boolean =>
  left.uplink === right.uplink && left.uplinkMtu === right.uplinkMtu;

function notPlugged({ network, index, vmId }: NicPlug, reason: string): MusterError {
  const what = `network ${network.name} for NIC ${String(index)} of vm ${vmId}`;
  return new MusterError("network-failed", `${what}: ${reason}`);
}
