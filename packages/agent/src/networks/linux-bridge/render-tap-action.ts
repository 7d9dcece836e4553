/** Actions on a VM's tap as the iproute2 commands that carry them out. Pure. */
import { assertNever } from "@muster/model";
import type { PlannedAction } from "../network-driver.ts";
import type { TapAction } from "./plan-tap.ts";

const setLink = (device: string, ...words: readonly string[]): readonly string[] => [
  ...["ip", "link", "set", "dev", device],
  ...words,
];

const bridgeVlan = (verb: "add" | "del", device: string, ids: string): readonly string[] => [
  ...["bridge", "vlan", verb, "dev", device, "vid", ids],
];

export function renderTapAction(action: TapAction): PlannedAction {
  const { device } = action;
  switch (action.kind) {
    case "create-tap":
      return {
        summary: `create tap ${device}`,
        commands: [["ip", "tuntap", "add", "dev", device, "mode", "tap", "vnet_hdr"]],
        hint: "the kernel's tun module must be loaded: modprobe tun",
      };
    case "dress-tap": {
      const { alias, macAddress, mtu } = action;
      return {
        summary: `mark tap ${device} and set its MTU to ${String(mtu)}`,
        commands: [setLink(device, "alias", alias, "address", macAddress, "mtu", String(mtu))],
      };
    }
    case "attach-tap":
      return {
        summary: `add tap ${device} to bridge ${action.bridge}`,
        commands: [setLink(device, "master", action.bridge)],
      };
    case "put-tap-on-vlan": {
      const { vlan, last = vlan, tagged } = action;
      const ids = vlan === last ? String(vlan) : `${String(vlan)}-${String(last)}`;
      const flags = tagged === true ? [] : ["pvid", "untagged"];
      return {
        summary: `put tap ${device} on VLAN ${ids}`,
        commands: [[...bridgeVlan("add", device, ids), ...flags]],
      };
    }
    case "take-tap-off-vlan":
      return {
        summary: `take tap ${device} off VLAN ${String(action.vlan)}`,
        commands: [bridgeVlan("del", device, String(action.vlan))],
      };
    case "raise-tap":
      return { summary: `set tap ${device} up`, commands: [setLink(device, "up")] };
    case "remove-tap":
      return {
        summary: `remove tap ${device}`,
        // Unlike `ip link del` this fails while QEMU has the tap open, instead of cutting a running VM off.
        commands: [["ip", "tuntap", "del", "dev", device, "mode", "tap"]],
        hint: "the VM must not run on this host any more",
      };
    default:
      return assertNever(action);
  }
}
