/**
 * What a device's frames pass on their way out of the host: VLAN devices, bridges, bonds and NICs, each with the VLAN that
 * the frames have there. Pure.
 */
import { isNic } from "../devices/find-nics.ts";
import type { KernelLink } from "../links/kernel-links.ts";

export interface Wiring {
  readonly links: ReadonlyMap<string, KernelLink>;
  /** The bridge that a device is a port of; Open vSwitch's are not in the kernel's list. */
  readonly bridgeOf: ReadonlyMap<string, string>;
  /** The VLAN of an Open vSwitch port that has one. */
  readonly tagOf: ReadonlyMap<string, number>;
}

export interface Passage {
  readonly device: string;
  /** 0: without a tag. */
  readonly vlan: number;
}

/** Ports that lead out of the host, not to VMs. */
const leadsOut = (link: KernelLink | undefined): boolean =>
  link !== undefined && (isNic(link) || link.kind === "bond" || link.kind === "vlan");

class Walk {
  readonly #wiring: Wiring;
  readonly #passed = new Map<string, Passage>();

  constructor(wiring: Wiring) {
    this.#wiring = wiring;
  }

  get passages(): readonly Passage[] {
    return [...this.#passed.values()];
  }

  enter(device: string, vlan: number): void {
    const key = `${device} ${String(vlan)}`;
    if (this.#passed.has(key)) return;
    this.#passed.set(key, { device, vlan });
    const { links, bridgeOf, tagOf } = this.#wiring;
    const link = links.get(device);
    if (link?.vlanOn !== undefined) {
      // A tag inside a tag leaves as the outer one, which is the lower device's.
      this.enter(link.vlanOn.device, link.vlanOn.vlan);
      return;
    }
    for (const { name, master } of links.values()) {
      if (master !== device) continue;
      if (link?.kind === "bond" || leadsOut(links.get(name))) this.enter(name, vlan);
    }
    this.#enterSwitch(bridgeOf.get(device), device, tagOf.get(device) ?? vlan);
  }

  /** A port of Open vSwitch that is the host's own: its frames leave by the ports that lead out. */
  #enterSwitch(bridge: string | undefined, device: string, vlan: number): void {
    const { links, bridgeOf } = this.#wiring;
    if (bridge === undefined || links.get(bridge)?.kind === "bridge") return;
    if (leadsOut(links.get(device))) return;
    this.#passed.set(`${bridge} ${String(vlan)}`, { device: bridge, vlan });
    for (const [port, other] of bridgeOf) {
      if (other === bridge && port !== device && leadsOut(links.get(port))) this.enter(port, vlan);
    }
  }
}

export function passagesOf(device: string, wiring: Wiring): readonly Passage[] {
  const walk = new Walk(wiring);
  walk.enter(device, 0);
  return walk.passages;
}
