/** Actions on footholds as the commands that carry them out. Pure. */
import { assertNever } from "@muster/model";
import type { PlannedAction } from "../networks/network-driver.ts";
import { FOOTHOLD_MARK } from "../networks/openvswitch/openvswitch-marks.ts";
import { OVS_VSCTL } from "../networks/openvswitch/openvswitch-state.ts";
import type { BridgePlace } from "./bridge-place.ts";
import { aliasOf, deviceOf, insideOf, type Foothold } from "./foothold.ts";
import type { FootholdAction } from "./plan-footholds.ts";

type Command = readonly string[];

const setLink = (device: string, ...words: readonly string[]): Command => [
  ...["ip", "link", "set", "dev", device],
  ...words,
];

/** Runs a program in a namespace of ours. */
export const inNamespace = (namespace: string, ...argv: readonly string[]): Command => [
  ...["ip", "netns", "exec", namespace],
  ...argv,
];

export function renderFootholdAction(action: FootholdAction): PlannedAction {
  switch (action.kind) {
    case "make-namespace":
      return {
        summary: `make network namespace ${action.namespace}`,
        commands: makeNamespace(action.namespace),
        hint: "the agent needs CAP_SYS_ADMIN to make network namespaces; see muster-agent.service",
      };
    case "remove-namespace":
      return {
        summary: `remove network namespace ${action.namespace}`,
        commands: [["ip", "netns", "delete", action.namespace]],
      };
    case "make-foothold":
      return {
        summary: `make our place on network ${action.foothold.network}`,
        commands: makeFoothold(action.foothold),
        network: action.foothold.network,
      };
    case "remove-port":
      return {
        summary: `take ${action.device} off its bridge`,
        commands: [[...OVS_VSCTL, "--if-exists", "del-port", action.device]],
      };
    case "remove-device":
      return {
        summary: `remove device ${action.device}`,
        commands: [["ip", "link", "delete", "dev", action.device]],
      };
    default:
      return assertNever(action);
  }
}

/**
 * Nothing that hosts of the network announce makes us take addresses of theirs. The loopback has to be up for the kernel
 * to resolve addresses where it has none itself.
 */
function makeNamespace(namespace: string): readonly Command[] {
  const quiet = ["net.ipv6.conf.default.accept_ra=0", "net.ipv6.conf.default.autoconf=0"];
  return [
    ["ip", "netns", "add", namespace],
    ["ip", "-n", namespace, "link", "set", "dev", "lo", "up"],
    inNamespace(namespace, "sysctl", "-q", "-w", ...quiet),
  ];
}

function makeFoothold(foothold: Foothold): readonly Command[] {
  const { namespace, mtu, addresses, macAddress, place, routes = [] } = foothold;
  const device = deviceOf(foothold);
  const inside = insideOf(foothold);
  const size = ["mtu", String(mtu)];
  const mac = macAddress === undefined ? [] : ["address", macAddress];
  const peer = ["peer", "name", inside, ...size, ...mac, "netns", namespace];
  const within = ["ip", "-n", namespace];
  return [
    ["ip", "link", "add", "name", device, ...size, "type", "veth", ...peer],
    setLink(device, "addrgenmode", "none"),
    [...within, "link", "set", "dev", inside, "addrgenmode", "none"],
    // What these addresses are is derived from who we are: nobody else has them.
    ...addresses.map((address) => [
      ...[...within, "addr", "add", address, "dev", inside],
      ...(address.includes(":") ? ["nodad"] : []),
    ]),
    [...within, "link", "set", "dev", inside, "up"],
    ...routes.map((route) => [...within, "route", "replace", route, "dev", inside]),
    ...attach(device, place),
    setLink(device, "up"),
    setLink(device, "alias", aliasOf(foothold)),
  ];
}

function attach(device: string, place: BridgePlace): readonly Command[] {
  if (place.kind === "openvswitch") {
    const mark = `external_ids:${FOOTHOLD_MARK.key}=${FOOTHOLD_MARK.value}`;
    return [
      [
        ...[...OVS_VSCTL, "--", "--may-exist", "add-port", place.bridge, device],
        ...["--", "set", "Port", device, `tag=${String(place.vlan)}`, mark],
      ],
    ];
  }
  const entry = (vlan: number): Command => [
    ...["bridge", "vlan", "add", "dev", device, "vid", String(vlan)],
    ...["pvid", "untagged"],
  ];
  return [
    setLink(device, "master", place.bridge),
    ...(place.vlan === undefined ? [] : [entry(place.vlan)]),
  ];
}
