/** Fence devices to the wire, without their secrets. */
import type { FenceDevice, HostId } from "@muster/model";
import type * as pb from "@muster/proto/admin";
import type { LedgerView } from "../ledger/view.ts";

/** Stands for a secret; given back, it means the one that is kept. */
export const SHOWN_SECRET = "(set)";

export const encodeDevice = (device: FenceDevice, view: LedgerView): pb.FenceDevice => ({
  agent: device.agent,
  parameters: {
    ...device.parameters,
    ...Object.fromEntries(Object.keys(device.sealed).map((name) => [name, SHOWN_SECRET])),
  },
  secrets: Object.keys(device.sealed),
  viaHost: device.viaHostId === undefined ? "" : (view.hosts.get(device.viaHostId)?.name ?? ""),
});

export const deviceCount = (view: LedgerView, hostId: HostId): number =>
  view.hosts.get(hostId)?.fenceDevices?.length ?? 0;
