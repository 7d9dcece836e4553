/** Records of hosts' network configuration: a change of one goes from host to host, and can be taken back. */
import type { HostId } from "./ids.ts";

/** What a record said before a change. */
export interface Previous<Spec> {
  readonly spec: Spec;
  readonly changedBy?: string;
}

/** A change on its way from host to host. */
export interface Rollout<Spec> {
  /** What hosts have that it has not reached yet; absent: nothing. */
  readonly previous?: Previous<Spec>;
  /** Hosts that have been told of the new one. */
  readonly told: readonly HostId[];
}

export interface Changeable<Spec> {
  readonly spec: Spec;
  /** RFC 3339. */
  readonly createdAt: string;
  /** The operation that made it what it is: the same wish asked for again is another change. Absent: the first. */
  readonly changedBy?: string;
  /** The operation that works on it. */
  readonly operationId?: string;
  /** Present while it is being changed. */
  readonly rollout?: Rollout<Spec>;
  /** True while it is being changed by somebody who allowed it to touch what carries a host's own traffic. */
  readonly overrideProtected?: boolean;
}
