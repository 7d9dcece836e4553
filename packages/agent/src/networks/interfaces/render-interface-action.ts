/** Actions on the host's own interfaces as the iproute2 commands that carry them out. Pure. */
import { assertNever } from "@muster/model";
import { nicAltName } from "../devices/device-marks.ts";
import type { PlannedAction } from "../network-driver.ts";
import { INTERFACE_GROUP, interfaceAlias, ROUTE_PROTOCOL } from "./interface-marks.ts";
import type { InterfaceAction } from "./plan-interfaces.ts";

type Command = readonly string[];

const setLink = (device: string, ...words: readonly string[]): Command => [
  ...["ip", "link", "set", "dev", device],
  ...words,
];

const property = (verb: string, device: string, altName: string): Command => [
  ...["ip", "link", "property", verb, "dev", device, "altname", altName],
];

function route(
  verb: string,
  { gateway, device, isOurs }: { gateway: string; device: string; isOurs: boolean },
): Command {
  const family = gateway.includes(":") ? ["ip", "-6"] : ["ip"];
  const protocol = isOurs ? ["proto", ROUTE_PROTOCOL] : [];
  return [...family, "route", verb, "default", "via", gateway, "dev", device, ...protocol];
}

export function renderInterfaceAction(action: InterfaceAction): PlannedAction {
  const [summary, command] = rendered(action);
  return { summary, commands: [command] };
}

function rendered(action: InterfaceAction): readonly [string, Command] {
  const { device } = action;
  switch (action.kind) {
    case "create-vlan":
      return [
        `create ${device} for VLAN ${String(action.id)} of ${action.on}`,
        [
          ...["ip", "link", "add", "link", action.on, "name", device, "group", INTERFACE_GROUP],
          ...["type", "vlan", "id", String(action.id)],
        ],
      ];
    case "create-bridge":
      return [
        `create bridge ${device}`,
        [
          ...["ip", "link", "add", "name", device, "group", INTERFACE_GROUP, "type", "bridge"],
          ...["mcast_snooping", "0", "stp_state", "0"],
        ],
      ];
    case "mark":
      return [`mark ${device} as made by muster`, setLink(device, "alias", interfaceAlias)];
    case "mark-nic":
      return [`note how ${device} is`, property("add", device, nicAltName(device, action.before))];
    case "delete":
      return [`delete ${device}`, ["ip", "link", "del", "dev", device]];
    case "attach":
      return [`add ${device} to bridge ${action.bridge}`, setLink(device, "master", action.bridge)];
    case "detach":
      return [`take ${device} off its bridge`, setLink(device, "nomaster")];
    case "set-mtu": {
      const mtu = String(action.mtu);
      return [`set MTU of ${device} to ${mtu}`, setLink(device, "mtu", mtu)];
    }
    case "raise-link":
      return [`set ${device} up`, setLink(device, "up")];
    case "note":
      return [`note on ${device}: ${action.altName}`, property("add", device, action.altName)];
    case "forget":
      return [
        `no longer note on ${device}: ${action.altName}`,
        property("del", device, action.altName),
      ];
    case "add-address":
      return [
        `give ${device} address ${action.address}`,
        // What was given to nobody else needs no probe before it may be used.
        ["ip", "addr", "add", action.address, "dev", device, ...noProbe(action.address)],
      ];
    case "remove-address":
      return [
        `take address ${action.address} off ${device}`,
        ["ip", "addr", "del", action.address, "dev", device],
      ];
    case "add-route":
      return [`default route via ${action.gateway} by ${device}`, route("add", action)];
    case "remove-route":
      return [`no default route via ${action.gateway} by ${device}`, route("del", action)];
    default:
      return assertNever(action);
  }
}

const noProbe = (address: string): readonly string[] => (address.includes(":") ? ["nodad"] : []);
