/** Groups: one profile, and as many VMs made from it as the group is large. */
import type { OperationId, VmId } from "./ids.ts";
import type { MemberTemplate } from "./virtual-cluster.ts";

/** What one member has that is not the profile's or the next free one. */
export interface GroupMemberValues {
  /** Absent: by the group's pattern. */
  readonly name?: string;
  /** Of its first NIC. */
  readonly mac?: string;
  readonly addresses?: readonly string[];
}

export interface GroupMember {
  readonly name: string;
  /** Of the VM that was made last for it. */
  readonly vmId: VmId;
  /** Of the profile that VM was made from. */
  readonly version: number;
  /** By NIC; a VM that is made anew has them again. */
  readonly macs: readonly string[];
}

export interface GroupRecord {
  readonly name: string;
  /** Names of members: "web-{n}", n from 1. */
  readonly pattern: string;
  readonly size: number;
  readonly profile: MemberTemplate;
  /** Grows with every change of the profile. */
  readonly version: number;
  /** By number of the member, from the first. */
  readonly values: readonly GroupMemberValues[];
  /** VMs that were made for it, whether they are wanted still or not. */
  readonly members: readonly GroupMember[];
  /** True: it goes once its members are gone. */
  readonly removing: boolean;
  /** The operation that makes members follow: one at a time. */
  readonly operationId?: OperationId;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly createdBy: string;
}

/** A larger one takes hours to follow, one member after the other. */
export const GROUP_SIZE_MAX = 500;

/** `number` from 1. */
export const groupMemberName = (
  { pattern, values }: Pick<GroupRecord, "pattern" | "values">,
  number: number,
): string => values[number - 1]?.name ?? pattern.replace("{n}", String(number));
