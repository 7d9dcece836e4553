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
  /** Between two rounds of probes to other hosts. */
  readonly probeIntervalMs: number;
  /** Where the DHCP servers' files are; may be gone after a boot. */
  readonly dhcpDirectory: string;
}

/** With one bridge per VLAN the names of all begin so: "mv-10". */
export const BRIDGE_DEFAULTS = {
  openvswitch: "br0",
  "linux-bridge": "muster0",
  "vlan-bridges": "mv",
} as const;

const drivers = ["auto", "openvswitch", "linux-bridge", "vlan-bridges"] as const;

const DHCP_DIRECTORY = "/run/muster-agent/dhcp";

/** Seconds. Shorter, and probing costs more than it tells; longer, and VMs are placed where nobody hears them. */
const PROBE_INTERVAL = { min: 2, max: 3_600, default: 30 } as const;

export const readNetworksConfig = (fields: Fields): NetworksConfig => ({
  driver: fields.choice("driver", drivers, { default: "auto" }),
  bridge: fields.optionalText("bridge", { check: parseDeviceName }),
  uplink: fields.optionalText("uplink", { check: parseDeviceName }),
  datapath: fields.choice("datapath", ["system", "netdev"], { default: "system" }),
  dhcpDirectory: fields.text("dhcp-directory", { default: DHCP_DIRECTORY }),
  probeIntervalMs: fields.integer("probe-interval", PROBE_INTERVAL) * 1_000,
});
