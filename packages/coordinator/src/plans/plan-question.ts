/** What may be asked of the planner, as data that can go to a thread. Hosts and VMs are names or ids. */
import type { GroupRule, RequestedVm, Restraint, VmShape } from "@muster/planner";

export type PlanQuestion =
  | { readonly kind: "place"; readonly vm: RequestedVm }
  | { readonly kind: "drain" | "recover" | "return-home"; readonly hosts: readonly string[] }
  | {
      readonly kind: "rebalance";
      readonly movesMax?: number;
      readonly seed?: number;
      readonly restraint?: Partial<Restraint>;
    }
  /** What the score is, and what it would be after these moves. */
  | {
      readonly kind: "judge";
      readonly moves: readonly { readonly vmId: string; readonly toHostId: string }[];
    }
  | { readonly kind: "consolidate"; readonly movesMax?: number }
  | { readonly kind: "rolling"; readonly hosts: readonly string[]; readonly groupMax?: number }
  | {
      readonly kind: "capacity";
      readonly shapes: readonly VmShape[];
      /** Hosts whose loss at once must leave room for all their VMs. */
      readonly survive?: number;
    }
  | ({ readonly kind: "what-if" } & WhatIf);

export interface WhatIf {
  readonly lose: readonly string[];
  readonly add?: { readonly count: number; readonly like: string };
  /** "rack=r7", or a path from the outermost level on: "paris/row-2". */
  readonly loseDomains: readonly string[];
  readonly resize: readonly Resize[];
  readonly resizeHosts: readonly HostResize[];
  readonly setRules: readonly GroupRule[];
  /** Names. */
  readonly removeRules: readonly string[];
  /** Instead of what the policy says; count 0: nothing. */
  readonly survive?: { readonly level: string; readonly count: number };
  /** Count how many fit, before and after. */
  readonly shape?: VmShape;
}

export interface HostResize {
  readonly host: string;
  readonly cpus?: number;
  readonly memoryBytes?: bigint;
}

export interface Resize {
  readonly vm: string;
  readonly cpus?: number;
  readonly memoryBytes?: bigint;
}
