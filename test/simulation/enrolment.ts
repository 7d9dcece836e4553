/** How a machine becomes a host of a simulated cluster. */
import type { HostId, HostRecord } from "@muster/model";
import type { Machine } from "./machine.ts";
import type { SimulatedNetwork } from "./simulated-network.ts";

export const enrolledHost = (id: HostId, name: string, at: Date): HostRecord => ({
  id,
  name,
  cordoned: false,
  cordonReason: "",
  certificateSerial: "00",
  certificateExpiresAt: "2027-01-01T00:00:00.000Z",
  enrolledAt: at.toISOString(),
  connectedBefore: false,
});

/** A network may be what carries the agent's own connection, or breaks it. */
export function cutOffByNetworks({ name, networks }: Machine, network: SimulatedNetwork): void {
  let wasCutOff = false;
  networks.onApplied(() => {
    if (networks.isCutOff === wasCutOff) return;
    wasCutOff = networks.isCutOff;
    if (wasCutOff) network.cutOff(name);
    else network.reconnect(name);
  });
}
