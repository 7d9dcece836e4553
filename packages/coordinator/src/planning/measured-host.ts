/** What a host was seen to do lately and how fast its link is, in steps coarse enough to stay the same. Pure. */
import type { HostMeasured } from "@muster/planner";
import type { HostObservation } from "../observations/observations.ts";

/** Finer would make every snapshot another one, for differences that decide nothing. */
const SHARE_STEP = 0.05;
/** What a single TCP stream gets of a link. */
const STREAM_SHARE = 0.8;
const BYTES_PER_MBIT = 125_000;

const stepped = (share: number): number =>
  Number((Math.round(Math.min(1, Math.max(0, share)) / SHARE_STEP) * SHARE_STEP).toFixed(2));

export function measuredHost(observed: HostObservation | undefined): HostMeasured | undefined {
  const { load, inventory } = observed ?? {};
  if (load === undefined || inventory === undefined || inventory.memoryBytes === 0n) {
    return undefined;
  }
  const free = Number(load.memoryAvailableBytes) / Number(inventory.memoryBytes);
  const { pressure } = load;
  return {
    cpu: stepped(load.cpuUsedRatio),
    memory: stepped(1 - free),
    ...(pressure === undefined
      ? {}
      : {
          cpuPressure: stepped(pressure.cpu),
          memoryPressure: stepped(pressure.memory),
          ioPressure: stepped(pressure.io),
        }),
  };
}

/** Of the NIC that migrations arrive on when that is known, else of the fastest that is up. */
export function linkBytesPerSecond(observed: HostObservation | undefined): number | undefined {
  const up = (observed?.inventory?.nics ?? []).filter((nic) => nic.up && nic.speedMbit > 0);
  const address = observed?.migrationAddress ?? "";
  const own = up.find(({ addresses }) => addresses.some((each) => each.split("/")[0] === address));
  const speedMbit = own?.speedMbit ?? Math.max(0, ...up.map((nic) => nic.speedMbit));
  return speedMbit === 0 ? undefined : Math.round(speedMbit * BYTES_PER_MBIT * STREAM_SHARE);
}
