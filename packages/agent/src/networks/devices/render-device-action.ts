/** Actions on bonds and NICs as the iproute2 commands that carry them out. Pure. */
import { assertNever, type BondSpec } from "@muster/model";
import type { PlannedAction } from "../network-driver.ts";
import { bondAlias, DEVICE_GROUP, nicAltName, vxlanAlias } from "./device-marks.ts";
import type { DeviceAction } from "./plan-devices.ts";
import { multicastGroup } from "./vxlan-demand.ts";

const setLink = (device: string, ...words: readonly string[]): readonly string[] => [
  ...["ip", "link", "set", "dev", device],
  ...words,
];

const BOND_HINT = "the kernel must support bonding (CONFIG_BONDING): modprobe bonding max_bonds=0";

/** A LACP rate is refused in any other mode. */
const lacpRate = ({ mode, lacpRate: rate }: BondSpec): readonly string[] =>
  mode === "802.3ad" ? ["lacp_rate", rate] : [];

function createBond(spec: BondSpec): readonly string[] {
  return [
    ...["ip", "link", "add", "name", spec.name, "group", DEVICE_GROUP, "type", "bond"],
    ...["mode", spec.mode, ...lacpRate(spec)],
    ...["xmit_hash_policy", spec.transmitHash],
    ...["miimon", String(spec.miimonMs), "min_links", String(spec.minLinks)],
  ];
}

export function renderDeviceAction(action: DeviceAction): PlannedAction {
  switch (action.kind) {
    case "create-bond":
    case "mark-bond":
    case "change-mode":
    case "set-bond":
    case "delete-bond":
      return renderBond(action);
    case "join-bond":
      return {
        summary: `make ${action.device} a member of ${action.bond}`,
        commands: [setLink(action.device, "master", action.bond)],
      };
    case "leave-bond":
      return {
        summary: `take ${action.device} out of ${action.bond}`,
        commands: [setLink(action.device, "nomaster")],
      };
    case "raise-link":
      return { summary: `set ${action.device} up`, commands: [setLink(action.device, "up")] };
    case "lower-link":
      return { summary: `set ${action.device} down`, commands: [setLink(action.device, "down")] };
    case "set-mtu":
      return {
        summary: `set MTU of ${action.device} to ${String(action.mtu)}`,
        commands: [setLink(action.device, "mtu", String(action.mtu))],
      };
    case "create-vxlan":
    case "mark-vxlan":
    case "delete-vxlan":
      return renderVxlan(action);
    case "mark-nic":
    case "unmark-nic":
      return renderNic(action);
    default:
      return assertNever(action);
  }
}

type BondAction = Extract<
  DeviceAction,
  { kind: "create-bond" | "mark-bond" | "change-mode" | "set-bond" | "delete-bond" }
>;

function renderBond(action: BondAction): PlannedAction {
  const { bond } = action;
  switch (action.kind) {
    case "create-bond":
      return {
        summary: `create bond ${bond} (${action.spec.mode})`,
        commands: [createBond(action.spec)],
        hint: BOND_HINT,
      };
    case "mark-bond":
      return {
        summary: `mark bond ${bond} as made by muster`,
        commands: [setLink(bond, "alias", bondAlias)],
      };
    case "change-mode": {
      const { spec } = action;
      return {
        summary: `make ${bond} a bond of mode ${spec.mode}`,
        commands: [setLink(bond, "type", "bond", "mode", spec.mode, ...lacpRate(spec))],
      };
    }
    case "set-bond":
      return {
        summary: `set ${action.options.join(" ")} of bond ${bond}`,
        commands: [setLink(bond, "type", "bond", ...action.options)],
      };
    case "delete-bond":
      return {
        summary: `delete bond ${bond}`,
        commands: [["ip", "link", "del", "dev", bond, "type", "bond"]],
      };
    default:
      return assertNever(action);
  }
}

type VxlanAction = Extract<DeviceAction, { kind: "create-vxlan" | "mark-vxlan" | "delete-vxlan" }>;

/** Hosts are a few hops apart at most; a packet that has lost its way ends soon. */
const VXLAN_HOPS = "8";
/** IANA's. */
const VXLAN_PORT = "4789";

function renderVxlan(action: VxlanAction): PlannedAction {
  const { device } = action;
  switch (action.kind) {
    case "create-vxlan": {
      const { vni, on } = action.vxlan;
      const link = ["ip", "link", "add", "name", device, "group", DEVICE_GROUP, "type", "vxlan"];
      const settings = ["id", String(vni), "dev", on, "group", multicastGroup(vni)];
      return {
        summary: `create ${device} for VXLAN ${String(vni)} on ${on}`,
        commands: [[...link, ...settings, "dstport", VXLAN_PORT, "ttl", VXLAN_HOPS]],
        hint: "the kernel must support VXLAN (CONFIG_VXLAN): modprobe vxlan",
      };
    }
    case "mark-vxlan":
      return {
        summary: `mark ${device} as made by muster`,
        commands: [setLink(device, "alias", vxlanAlias)],
      };
    case "delete-vxlan":
      return {
        summary: `delete ${device}`,
        commands: [["ip", "link", "del", "dev", device, "type", "vxlan"]],
      };
    default:
      return assertNever(action);
  }
}

type NicAction = Extract<DeviceAction, { kind: "mark-nic" | "unmark-nic" }>;

function renderNic(action: NicAction): PlannedAction {
  const { device } = action;
  const property = (verb: string, altName: string): readonly string[] => [
    ...["ip", "link", "property", verb, "dev", device, "altname", altName],
  ];
  if (action.kind === "mark-nic") {
    return {
      summary: `note how ${device} is: MTU ${String(action.before.mtu)}, ${action.before.isUp ? "up" : "down"}`,
      commands: [property("add", nicAltName(device, action.before))],
    };
  }
  return {
    summary: `${device} is what it was: MTU ${String(action.mark.mtu)}, ${action.mark.isUp ? "up" : "down"}`,
    commands: [property("del", action.mark.altName)],
  };
}
