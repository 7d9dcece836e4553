/** How the agent reaches the coordinator. */
import type { AgentMessage, CoordinatorMessage } from "@muster/model";
import type { Link } from "@muster/runtime";

export interface Bytes {
  readonly data: Uint8Array;
}

export interface BulkDialer {
  /** A stream of its own for the bytes of one console. */
  openBulk(ticket: string): Promise<Link<Bytes, Bytes>>;
}

export interface Dialer extends BulkDialer {
  /** The coordinator told where coordinators are found from now on. */
  learn?(addresses: readonly string[]): Promise<void>;
  /** Rejects with "unreachable", "unauthenticated" or "forbidden". */
  dial(signal: AbortSignal): Promise<Link<AgentMessage, CoordinatorMessage>>;
}
