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
  renderSegment,
  type NetworkObservation,
  type NetworkSpec,
  type VmId,
} from "@muster/model";
import { errorLine, runActions } from "./bridged-networks.ts";
import type { BridgeGroup, BridgesThere, Bridging } from "./bridging.ts";
import type { CommandRunner } from "./command-runner.ts";
import { demandOfDevices, type DeviceDemand, type UplinkDemand } from "./devices/device-demand.ts";
import { planDevices, type DeviceAction } from "./devices/plan-devices.ts";
import { readDevices } from "./devices/read-devices.ts";
import { renderDeviceAction } from "./devices/render-device-action.ts";
import {
  nothingObserved,
  type HostLayout,
  type LayoutObservation,
  noLayout,
} from "./host-layout.ts";
import type { KernelLink } from "./links/kernel-links.ts";
import { demandOf } from "./network-demand.ts";
import type {
  NetworkDriver,
  NetworkPlan,
  NetworkRefusal,
  NicAttachment,
  NicPlug,
  UplinkNetworks,
} from "./network-driver.ts";
import { observeUplinks } from "./observe-uplinks.ts";
import { OneAtATime } from "./one-at-a-time.ts";

/** What the agent's own configuration says: where networks without an uplink's label go. */
export interface HostNetworksConfig {
  readonly bridge: string;
  readonly uplink: string | undefined;
}

/** What somebody wants, seen against what is there. */
interface Situation {
  readonly layout: HostLayout;
  readonly links: ReadonlyMap<string, KernelLink>;
  readonly there: BridgesThere;
  readonly devices: DeviceDemand;
  /** By the group's name: what is to be on it. */
  readonly groups: ReadonlyMap<string, GroupDemand>;
  readonly refusals: readonly NetworkRefusal[];
}

interface GroupDemand extends BridgeGroup {
  readonly networks: readonly NetworkSpec[];
}

export class HostNetworks implements NetworkDriver {
  readonly name: NetworkDriver["name"];
  readonly #config: HostNetworksConfig;
  readonly #bridging: Bridging;
  readonly #runner: CommandRunner;
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

  constructor(config: HostNetworksConfig, bridging: Bridging, runner: CommandRunner) {
    this.name = bridging.name;
    this.#config = config;
    this.#bridging = bridging;
    this.#runner = runner;
  }

  observe(): Promise<readonly NetworkObservation[]> {
    return this.#turns.run(() => this.#observe());
  }

  observeLayout(): Promise<LayoutObservation> {
    return this.#turns.run(async () => {
      if (this.#wanted === undefined) return nothingObserved;
      const { links, devices } = await this.#situation(this.#wanted.networks, this.#wanted.layout);
      return { ...nothingObserved, uplinks: observeUplinks(devices, links, this.#failures) };
    });
  }

  plan(networks: readonly NetworkSpec[], layout: HostLayout = noLayout): Promise<NetworkPlan> {
    return this.#turns.run(async () => {
      const situation = await this.#situation(networks, layout);
      const { devices, links, groups, refusals } = situation;
      const { prepare, tidy } = planDevices(devices, links);
      const plans: NetworkPlan[] = [];
      for (const group of this.#leftOver(situation)) plans.push(await this.#open(group).plan([]));
      for (const group of groups.values()) plans.push(await this.#planGroup(group, links));
      return {
        actions: [
          ...prepare.map(renderDeviceAction),
          ...plans.flatMap(({ actions }) => actions),
          ...tidy.map(renderDeviceAction),
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
      return this.#open(group).plug(nic);
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
    const { prepare } = planDevices(now.devices, now.links);
    await this.#carryOut(prepare, failures);
    if (prepare.length > 0) now = await look();
    this.#refusals = now.refusals;
    for (const group of now.groups.values()) await this.#open(group).apply(group.networks);
    // Bridges change nothing of what is left to do for NICs.
    await this.#carryOut(planDevices(now.devices, now.links).tidy, failures);
  }

  /**
   * Bridges of labels that are gone go, and an uplink leaves its bridge before it may become something else. True: there
   * was something to do.
   */
  async #release(situation: Situation): Promise<boolean> {
    const leftOver = this.#leftOver(situation);
    for (const group of leftOver) await this.#open(group).apply([]);
    const moving = situation.there.ours.filter(({ bridge, uplink }) => {
      const group = situation.groups.get(bridge);
      return group !== undefined && uplink !== undefined && group.uplink !== uplink;
    });
    for (const { bridge } of moving) {
      const inside = this.#bridging.open({ bridge, uplink: undefined });
      await inside.apply(situation.groups.get(bridge)?.networks ?? []);
    }
    return leftOver.length + moving.length > 0;
  }

  #leftOver({ there, groups, layout }: Situation): readonly BridgeGroup[] {
    const wanted = new Set([
      ...groups.keys(),
      // A bridge whose uplink cannot be found now stays: its VMs may talk to each other.
      ...layout.uplinks.map(({ label }) => this.#bridging.groupName(label)),
    ]);
    return there.ours.filter(({ bridge }) => !wanted.has(bridge));
  }

  async #carryOut(actions: readonly DeviceAction[], failures: Map<string, string>): Promise<void> {
    for (const action of actions) {
      const owner = action.owner ?? "";
      if (owner !== "" && failures.has(owner)) continue;
      try {
        await runActions(this.#runner, [renderDeviceAction(action)]);
      } catch (error) {
        if (!isMusterError(error)) throw error;
        failures.set(owner, errorLine(error));
      }
    }
  }

  async #situation(networks: readonly NetworkSpec[], layout: HostLayout): Promise<Situation> {
    const there = await this.#bridging.look();
    const { links, drivers } = await readDevices(this.#runner, layout);
    const devices = demandOfDevices({
      layout,
      links,
      drivers,
      configuredUplink: this.#config.uplink,
      ownBridges: new Set(there.ours.map(({ bridge }) => bridge)),
      bridgeOf: there.groupOf,
    });
    const groups = new Map<string, GroupDemand>();
    const refusals: NetworkRefusal[] = [];
    groups.set(this.#config.bridge, { ...this.#config, networks: [] });
    for (const network of networks) {
      const group = this.#groupFor(network, devices, there);
      if (typeof group === "string") {
        refusals.push({ network: network.name, message: group });
        continue;
      }
      const other = groups.get(group.bridge);
      // The configured bridge may have the uplink of a label.
      const shared = other === undefined || other.uplink === undefined ? group : other;
      const all = [...(other?.networks ?? []), network];
      groups.set(group.bridge, { ...shared, networks: all });
    }
    return { layout, links, there, devices, groups, refusals };
  }

  /** Where a network goes, or why it cannot. */
  #groupFor(
    { uplink: label }: NetworkSpec,
    devices: DeviceDemand,
    there: BridgesThere,
  ): BridgeGroup | string {
    if (label === undefined) return this.#config;
    const uplink = devices.uplinks.get(label);
    if (uplink === undefined) {
      return `this host has no uplink ${label}: define one that fits it, muster uplink set ${label}`;
    }
    if (uplink.device === "") return `uplink ${label}: ${uplink.problem}`;
    const failure = this.#failures.get(`uplink ${label}`);
    if (failure !== undefined) return `uplink ${label}: ${failure}`;
    return { bridge: this.#bridgeOf(uplink, there), uplink: uplink.device, uplinkMtu: uplink.mtu };
  }

  /** A NIC is a port of one bridge: that of the agent's configuration, if it has it already. */
  #bridgeOf({ device, label }: UplinkDemand, there: BridgesThere): string {
    const { bridge, uplink } = this.#config;
    if (device === uplink || there.groupOf.get(device) === bridge) return bridge;
    return this.#bridging.groupName(label);
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
      return spec === undefined ? [] : [this.#refused(spec, message)];
    });
    for (const network of refused) observed.set(network.name, network);
    return [...observed.values()].toSorted((left, right) => (left.name < right.name ? -1 : 1));
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
    const labels = this.#wanted?.layout.uplinks ?? [];
    return labels.some(({ label }) => this.#bridging.groupName(label) === bridge);
  }

  #refused(spec: NetworkSpec, message: string): NetworkObservation {
    const { name } = spec;
    const { vlan } = demandOf(spec);
    return {
      name,
      state: "failed",
      message,
      vlan,
      driver: this.name,
      bridge: "",
      wanted: renderSegment(spec.segment),
      found: "",
      carries: [],
    };
  }
}

const isSameUplink = (left: BridgeGroup, right: BridgeGroup): boolean =>
  left.uplink === right.uplink && left.uplinkMtu === right.uplinkMtu;

function notPlugged({ network, index, vmId }: NicPlug, reason: string): MusterError {
  const what = `network ${network.name} for NIC ${String(index)} of vm ${vmId}`;
  return new MusterError("network-failed", `${what}: ${reason}`);
}
