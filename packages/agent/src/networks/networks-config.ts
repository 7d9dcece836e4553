/** The section "networks" of the agent's configuration. */
import { invalid } from "@muster/model";
import type { Fields } from "@muster/runtime";

export interface NetworksConfig {
  /** "auto": Open vSwitch where it answers, else the Linux bridge. */
  readonly driver: "openvswitch" | "linux-bridge" | "auto";
  /** Absent: BRIDGE_DEFAULTS. */
  readonly bridge: string | undefined;
  /** The NIC or bond that networks ride on. Absent: they stay inside the host. */
  readonly uplink: string | undefined;
  /** Of an Open vSwitch bridge that we create: the kernel's module, or ovs-vswitchd itself. */
  readonly datapath: "system" | "netdev";
}

export const BRIDGE_DEFAULTS = { openvswitch: "br0", "linux-bridge": "muster0" } as const;

/** The kernel's limit for a device's name. */
const DEVICE_NAME_MAX_CHARACTERS = 15;
/** What the kernel takes, without what iproute2 or ovs-vsctl read as something else. */
const DEVICE_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;

export function parseDeviceName(text: string, field: string): string {
  if (text.length <= DEVICE_NAME_MAX_CHARACTERS && DEVICE_NAME.test(text)) return text;
  throw invalid(
    field,
    `${JSON.stringify(text.slice(0, 40))} is not a network device's name`,
    `use letters, digits, '_', '.' and '-', at most ${String(DEVICE_NAME_MAX_CHARACTERS)}`,
  );
}

export const readNetworksConfig = (fields: Fields): NetworksConfig => ({
  driver: fields.choice("driver", ["auto", "openvswitch", "linux-bridge"], { default: "auto" }),
  bridge: fields.optionalText("bridge", { check: parseDeviceName }),
  uplink: fields.optionalText("uplink", { check: parseDeviceName }),
  datapath: fields.choice("datapath", ["system", "netdev"], { default: "system" }),
});
