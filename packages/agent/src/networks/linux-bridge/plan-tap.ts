/** Decides how a VM's NIC gets its tap, and which taps go with the VM. Pure. */
import type { VmId } from "@muster/model";
import type { PortVlan } from "../links/bridge-vlans.ts";
import { demandOf, nicTrunk, nicTrunkProblem, rangesOf } from "../network-demand.ts";
import type { NicPlug } from "../network-driver.ts";
import { isTapOf, tapAlias, tapName, NICS_PER_VM_MAX } from "./linux-bridge-marks.ts";
import {
  linuxBridgeNicProblem,
  situationOf,
  type LinuxBridgeConfig,
  type Situation,
} from "./linux-bridge-problems.ts";
import type { LinuxBridgeState } from "./linux-bridge-state.ts";
import { isSameEntry, nicEntries } from "./port-frames.ts";

export type TapAction =
  | { readonly kind: "create-tap"; readonly device: string }
  | {
      readonly kind: "dress-tap";
      readonly device: string;
      readonly alias: string;
      readonly macAddress: string;
      readonly mtu: number;
    }
  | { readonly kind: "attach-tap"; readonly device: string; readonly bridge: string }
  /** Untagged, and the only VLAN of frames that come in; of a trunk: with its tag. */
  | {
      readonly kind: "put-tap-on-vlan";
      readonly device: string;
      readonly vlan: number;
      /** Of a range. Absent: just the one. */
      readonly last?: number;
      readonly tagged?: true;
    }
  | { readonly kind: "take-tap-off-vlan"; readonly device: string; readonly vlan: number }
  | { readonly kind: "raise-tap"; readonly device: string }
  | { readonly kind: "remove-tap"; readonly device: string };

export type TapPlan =
  | { readonly ok: true; readonly device: string; readonly actions: readonly TapAction[] }
  | { readonly ok: false; readonly reason: string };

/**
 * The host's end of a NIC: the guest's own address with a first octet that is higher than any other on the bridge, so
 * that the bridge never takes it for its own.
 */
export const tapMacAddress = (guestMac: string): string => `fe${guestMac.slice(2)}`;

export function planPlug(
  state: LinuxBridgeState,
  nic: NicPlug,
  config: LinuxBridgeConfig,
): TapPlan {
  const situation = situationOf(state, config);
  const network = demandOf(nic.network);
  const problem =
    nicTrunkProblem(network, nic.trunk) ??
    linuxBridgeNicProblem(situation, network) ??
    nameProblem(state.links, nic);
  if (problem !== undefined) return { ok: false, reason: problem };
  const device = tapName(nic.vmId, nic.index);
  return { ok: true, device, actions: planTap(situation, nic, device) };
}

type Links = LinuxBridgeState["links"];

/** A tap on a bridge that does not tell VLANs apart: whatever is on the bridge is for it. */
export function planWholeTap(links: Links, nic: NicPlug, bridge: string): TapPlan {
  const problem = nameProblem(links, nic);
  if (problem !== undefined) return { ok: false, reason: problem };
  const device = tapName(nic.vmId, nic.index);
  return {
    ok: true,
    device,
    actions: [...planDress(links, nic, bridge), ...planRaise(links, device)],
  };
}

function nameProblem(links: Links, { vmId, index }: NicPlug): string | undefined {
  if (index >= NICS_PER_VM_MAX) {
    return `a VM has at most ${String(NICS_PER_VM_MAX)} NICs, not ${String(index + 1)}`;
  }
  const device = tapName(vmId, index);
  const link = links.get(device);
  if (link === undefined || isTapOf(link, vmId)) return undefined;
  return `device ${device} exists and is not a tap of this VM`;
}

function planTap({ state, config }: Situation, nic: NicPlug, device: string): readonly TapAction[] {
  const isAttached = state.links.get(device)?.master === config.bridge;
  const carried = isAttached ? state.vlans.get(device) : undefined;
  return [
    ...planDress(state.links, nic, config.bridge),
    ...planTapVlans(device, carried ?? new Map(), nic),
    ...planRaise(state.links, device),
  ];
}

function planDress(links: Links, nic: NicPlug, bridge: string): readonly TapAction[] {
  const { vmId, index, mac, network } = nic;
  const device = tapName(vmId, index);
  const link = links.get(device);
  const actions: TapAction[] = [];
  if (link === undefined) actions.push({ kind: "create-tap", device });
  const dress = { alias: tapAlias(vmId, index), macAddress: tapMacAddress(mac), mtu: network.mtu };
  const isDressed =
    link?.alias === dress.alias && link.macAddress === dress.macAddress && link.mtu === dress.mtu;
  if (!isDressed) actions.push({ kind: "dress-tap", device, ...dress });
  if (link?.master !== bridge) actions.push({ kind: "attach-tap", device, bridge });
  return actions;
}

const planRaise = (links: Links, device: string): readonly TapAction[] =>
  links.get(device)?.isUp === true ? [] : [{ kind: "raise-tap", device }];

function planTapVlans(
  device: string,
  carried: ReadonlyMap<number, PortVlan>,
  nic: NicPlug,
): readonly TapAction[] {
  const network = demandOf(nic.network);
  const isTrunk = network.trunk !== undefined;
  const frames = isTrunk ? { ...network, trunk: nicTrunk(network, nic.trunk) } : network;
  const wanted = new Map(nicEntries(frames).map((entry) => [entry.vlan, entry]));
  const missing = [...wanted.values()].filter(
    (entry) => !isSameEntry(carried.get(entry.vlan), entry),
  );
  const put = rangesOf(missing.map(({ vlan }) => vlan)).map(
    ({ first, last }) =>
      ({
        kind: "put-tap-on-vlan",
        device,
        vlan: first,
        ...(last === first ? {} : { last }),
        ...(isTrunk ? { tagged: true as const } : {}),
      }) as const,
  );
  const taken = [...carried.keys()]
    .filter((vlan) => !wanted.has(vlan))
    .map((vlan) => ({ kind: "take-tap-off-vlan", device, vlan }) as const);
  return [...put, ...taken];
}

/** Taps of the VM, whichever bridge they are on now. */
export function planUnplug(
  state: Pick<LinuxBridgeState, "links">,
  vmId: VmId,
): readonly TapAction[] {
  return [...state.links.values()]
    .filter((link) => isTapOf(link, vmId))
    .map(({ name }) => ({ kind: "remove-tap", device: name }));
}
