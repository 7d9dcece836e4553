/** What carrying out a command needs. */
import type { CommandProgress, ClusterId, NetworkSpec, NicSpec } from "@muster/model";
import type { Clock, FenceRunner } from "@muster/runtime";
import type { ArrivalMeter } from "../arrivals/arrival-meter.ts";
import type { StorageHeartbeats } from "../guard/storage-heartbeats.ts";
import type { Hypervisor } from "../hypervisor/hypervisor.ts";
import type { ImageCache } from "../images/image-cache.ts";
import type { NicPlugs } from "../networks/network-driver.ts";
import type { SeedRequests } from "../seeds/seed-requests.ts";
import type { BulkDialer } from "../session/dialer.ts";

export interface CommandParts {
  readonly hypervisor: Hypervisor;
  readonly networks: NicPlugs;
  readonly bulk: BulkDialer;
  readonly clock: Clock;
  /** Switches other hosts' power, when the coordinator asks this host to. */
  readonly fence: FenceRunner;
  readonly storageHeartbeats: StorageHeartbeats;
  readonly seeds: Pick<SeedRequests, "fetch">;
  readonly images: ImageCache;
  /** The network as it was assigned to this host. */
  readonly assignedNetwork: (name: string) => NetworkSpec | undefined;
  /** Absent: VMs that arrive are not measured. */
  readonly arrivals?: Pick<ArrivalMeter, "expect" | "forget" | "finish">;
  /** Who has these addresses on a network already, by address. Absent: nobody can be asked. */
  readonly takenAddresses?: (nic: NicSpec) => Promise<ReadonlyMap<string, string>>;
  readonly clusterId: () => ClusterId;
}

export interface CommandContext extends CommandParts {
  readonly commandId: string;
  /** Aborts when the command is cancelled or out of time. */
  readonly signal: AbortSignal;
  /** Work that goes on after the command has ended; its failure is logged. */
  readonly background: (what: string, work: Promise<unknown>) => void;
  readonly onProgress: (progress: Omit<CommandProgress, "kind" | "commandId">) => void;
}
