/** A device as tests want it: a working NIC, but for the change. */
import type { KernelLink } from "../links/kernel-links.ts";

export const aLink = (name: string, change: Partial<KernelLink> = {}): KernelLink => ({
  name,
  kind: "",
  alias: "",
  group: "default",
  altNames: [],
  macAddress: "52:54:00:00:00:01",
  mtu: 1500,
  isUp: true,
  hasCarrier: true,
  addresses: [],
  ...change,
});
