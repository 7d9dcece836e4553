/** Which of the host's own traffic a network, an uplink or an interface carries. Pure. */
import { trafficKinds, type NetworkSpec, type TrafficKind } from "@muster/model";
import { demandOf, idsOf, tagsOf } from "../network-demand.ts";
import { passagesOf, type Passage, type Wiring } from "./carried-by.ts";
import type { TrafficDevice } from "./host-traffic.ts";

export class Carriage {
  readonly #passages: ReadonlyMap<TrafficKind, readonly Passage[]>;

  constructor(traffic: readonly TrafficDevice[], wiring: Wiring) {
    const ofKind = (kind: TrafficKind): readonly Passage[] =>
      traffic
        .filter((each) => each.kind === kind)
        .flatMap(({ device }) => passagesOf(device, wiring));
    this.#passages = new Map(trafficKinds.map((kind) => [kind, ofKind(kind)]));
  }

  /** On the bridge or the uplink, with the network's own tag. */
  ofNetwork(
    network: NetworkSpec,
    devices: readonly (string | undefined)[],
  ): readonly TrafficKind[] {
    if (network.segment.kind === "vxlan") return [];
    const ids = new Set(idsOf(tagsOf(demandOf(network))));
    return this.#kinds(
      ({ device, vlan }) =>
        devices.includes(device) && (ids.size === 0 ? vlan === 0 : ids.has(vlan)),
    );
  }

  ofDevices(devices: readonly string[]): readonly TrafficKind[] {
    return this.#kinds(({ device }) => devices.includes(device));
  }

  #kinds(isOn: (passage: Passage) => boolean): readonly TrafficKind[] {
    return [...this.#passages].flatMap(([kind, passages]) => (passages.some(isOn) ? [kind] : []));
  }
}
