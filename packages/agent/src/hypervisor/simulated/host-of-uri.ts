/** Which simulated host a libvirt URI means: "qemu+tls://10.99.0.2/system", "simulated://h2". */
import type { SimulatedHost } from "./simulated-host.ts";

export function hostOfUri(uri: string, hosts: readonly SimulatedHost[]): SimulatedHost | undefined {
  const address = /^[a-z][a-z0-9+.-]*:\/\/(?:[^@/]*@)?(\[[^\]]+\]|[^/:?#]+)/i.exec(uri)?.[1];
  if (address === undefined) return undefined;
  const bare = address.replace(/^\[|\]$/g, "");
  return hosts.find(({ facts }) => facts.name === bare || facts.addresses.includes(bare));
}
