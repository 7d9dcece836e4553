import type { CheckName, Refusal } from "./refusal.ts";
import type { ClusterUsage } from "./usage.ts";
import type { Want } from "./want.ts";

/** One hard rule. `passes` decides and must be cheap; `refuse` says why, and is asked only after a no. */
export interface Filter {
  readonly name: CheckName;
  /** False when this request can never fail it, so that no host is asked. */
  readonly applies: (usage: ClusterUsage, want: Want) => boolean;
  readonly passes: (usage: ClusterUsage, want: Want, host: number) => boolean;
  readonly refuse: (usage: ClusterUsage, want: Want, host: number) => readonly Refusal[];
  /**
   * `passes` for many hosts, for the rules that every request is asked: moves those that pass to the front
   * in their order and returns how many they are.
   */
  readonly sieve?: (usage: ClusterUsage, want: Want, hosts: Int32Array) => number;
}

export const always = (): boolean => true;

/** The host at an index that came from the same usage. */
export function hostAt(usage: ClusterUsage, host: number) {
  const found = usage.hosts[host];
  if (found === undefined) throw new Error(`there is no host with index ${host}`);
  return found;
}
