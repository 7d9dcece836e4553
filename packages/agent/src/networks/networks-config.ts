/** The section "networks" of the agent's configuration. */
import { parseDeviceName } from "@muster/model";
import type { Fields } from "@muster/runtime";

export interface NetworksConfig {
  /** "auto": Open vSwitch where it answers, else the Linux bridge. */
  readonly driver: "openvswitch" | "linux-bridge" | "vlan-bridges" | "auto";
  /** Absent: BRIDGE_DEFAULTS. */
  readonly bridge: string | undefined;
  /** The NIC or bond that networks ride on. Absent: they stay inside the host. */
  readonly uplink: string | undefined;
  /** Of an Open vSwitch bridge that we create: the kernel's module, or ovs-vswitchd itself. */
  readonly datapath: "system" | "netdev";
}

/** With one bridge per VLAN the names of all begin so: "mv-10". */
export const BRIDGE_DEFAULTS = {
  openvswitch: "br0",
  "linux-bridge": "muster0",
  "vlan-bridges": "mv",
} as const;

const drivers = ["auto", "openvswitch", "linux-bridge", "vlan-bridges"] as const;

export const readNetworksConfig = (fields: Fields): NetworksConfig => ({
  driver: fields.choice("driver", drivers, { default: "auto" }),
  bridge: fields.optionalText("bridge", { check: parseDeviceName }),
  uplink: fields.optionalText("uplink", { check: parseDeviceName }),
  datapath: fields.choice("datapath", ["system", "netdev"], { default: "system" }),
});
