/** Room held for a VM that does not exist yet, until a time. */
import type { HostId, VmId } from "./ids.ts";
import type { VmRules } from "./rules.ts";

export interface ClaimRecord {
  /** The id its VM will have. */
  readonly id: VmId;
  readonly name: string;
  readonly cpus: number;
  readonly memoryBytes: bigint;
  readonly networks: readonly string[];
  readonly rules?: VmRules;
  /** Where the room is held now; plans may move it. Written by the leader only. */
  readonly hostId: HostId;
  readonly createdAt: string;
  readonly createdBy: string;
  /** RFC 3339. */
  readonly expiresAt: string;
}
