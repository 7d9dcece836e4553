/** What the agent touches: ports, given by whoever runs it. */
import type { ClusterId, HostInventory, HostLoad } from "@muster/model";
import type { Clock, FenceRunner, Log, Random } from "@muster/runtime";
import type { AgentNetworkPorts } from "./agent-networks.ts";
import type { ArrivalMeterParts } from "./arrivals/arrival-meter.ts";
import type { AssignmentStore } from "./assignments/assignment-store.ts";
import type { BootStore } from "./autostart/boot-store.ts";
import type { StorageHeartbeats } from "./guard/storage-heartbeats.ts";
import type { BootClock, LeaseStore, Watchdog } from "./guard/watchdog.ts";
import type { Hypervisor } from "./hypervisor/hypervisor.ts";
import type { ImageCache } from "./images/image-cache.ts";
import type { Journal } from "./journal/journal.ts";
import type { Dialer } from "./session/dialer.ts";

export interface AgentParts extends AgentNetworkPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly hypervisor: Hypervisor;
  readonly images: ImageCache;
  readonly journal: Journal;
  /** Absent: VMs that arrive are not measured. */
  readonly arriving?: Pick<ArrivalMeterParts, "source" | "measured">;
  readonly assignments: AssignmentStore;
  readonly dialer: Dialer;
  /** Slow: asked seldom. */
  readonly inventory: () => Promise<HostInventory>;
  readonly load: () => Promise<HostLoad>;
  readonly guarding: {
    /** Absent: this host has none. */
    readonly watchdog?: Watchdog;
    readonly bootClock: BootClock;
    readonly leases: LeaseStore;
    readonly boots: BootStore;
    /** Switches the power of other hosts, when asked. */
    readonly fence: FenceRunner;
    readonly storageHeartbeats: StorageHeartbeats;
  };
  readonly clusterId: ClusterId;
  readonly agentVersion: string;
  /** Changes whenever the agent process starts. */
  readonly agentIncarnation: string;
  readonly migrationAddress: string;
  readonly metricsAddress: string;
}
