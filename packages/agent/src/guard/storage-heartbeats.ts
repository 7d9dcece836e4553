/**
 * A sign of life on shared storage: every agent counts in a file of its own there, and a peer can say whether another
 * host's count still grows. A host that cannot be reached but still writes to its disks must not be called dead.
 */
import type { HostId } from "@muster/model";

export interface StorageHeartbeats {
  /** A line for each shared storage: "shared: moving", "shared: still" or "shared: missing". */
  read(hostId: HostId): Promise<readonly string[]>;
}

/** For hosts that share no storage. */
export const noStorageHeartbeats: StorageHeartbeats = { read: async () => [] };
