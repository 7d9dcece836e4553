/** What people want of where VMs run: rules of VMs and groups, traits of hosts, the policy of the cluster. */
import type { HostId } from "./ids.ts";

export type Labels = Readonly<Record<string, string>>;

/** What a person wants of where one VM runs. Written by the API only; a missing field asks for nothing. */
export interface VmRules {
  /** Groups that {@link GroupRuleSpec} speaks of. */
  readonly groups?: readonly string[];
  /** Labels its host must have. */
  readonly hostLabels?: Labels;
  /** The only hosts it may run on. */
  readonly pinnedTo?: readonly HostId[];
  readonly environment?: string;
  readonly pool?: string;
  readonly tenant?: string;
  /** Larger is more important; recovery and plans go by it. Default 0. */
  readonly priority?: number;
  /** Where it belongs when nothing is wrong. */
  readonly home?: HostId;
}

/** What a person says of a host beside what its agent reports. */
export interface HostTraits {
  readonly labels?: Labels;
  /** Outermost first: ["paris", "row-2", "rack-7"]. */
  readonly failureDomain?: readonly string[];
  /** PRD, DEV, TMP, or whatever the site calls them. */
  readonly environment?: string;
  readonly pool?: string;
  /** The only tenants that may use it; missing: all. */
  readonly tenants?: readonly string[];
  /** Threads kept for the host itself. */
  readonly cpusReserved?: number;
  /** Instead of the coordinator's configuration. */
  readonly memoryReservedBytes?: bigint;
  readonly cpuOvercommit?: number;
  readonly memoryOvercommit?: number;
}

/** How the members of a group stand to each other. */
export interface GroupRuleSpec {
  readonly name: string;
  readonly group: string;
  /** `spread`: at most `max` members in one domain. `pack`: all members in one domain. */
  readonly mode: "spread" | "pack";
  readonly strength: "required" | "preferred";
  /** `host`, or a level of the cluster's topology. */
  readonly level: string;
  /** For `spread`. */
  readonly max: number;
}

export interface RuleRecord {
  readonly spec: GroupRuleSpec;
  /** RFC 3339. */
  readonly createdAt: string;
}

/** What the coordinator may do about uneven hosts without being asked. */
export const automations = ["off", "shadow", "manual", "partial", "full"] as const;
export type Automation = (typeof automations)[number];

export interface RebalancePolicy {
  /**
   * off: nothing. shadow: plans and only reports. manual: proposes plans; people approve and run them.
   * partial: runs what people approved. full: approves and runs by itself.
   */
  readonly automation: Automation;
  readonly periodMs: number;
  /** A plan that lowers the score by a smaller share than this is not worth starting; 0 to 1. */
  readonly gainMin: number;
  /** Nothing is proposed while the score is below this. */
  readonly startAbove: number;
  /** Passes in a row that must find a plan before it is proposed. */
  readonly holdPasses: number;
  /** A VM that moved less than this long ago stays. */
  readonly cooldownMs: number;
  /** Migrations in 24 hours, whoever asked for them. */
  readonly movesPerDayMax: number;
  /** Moves of one plan. */
  readonly movesPerPlanMax: number;
}

/** Rules that hold for the whole cluster. */
export interface ClusterPolicy {
  /** Any `count` domains of this level may be lost at once and all their VMs still have room. */
  readonly survive?: { readonly level: string; readonly count: number };
  /** Levels of hosts' failure domains, outermost first. */
  readonly topologyLevels: readonly string[];
  /** VM environments that may run on hosts of an environment; a missing key allows the same name only. */
  readonly environments: Readonly<Record<string, readonly string[]>>;
  readonly rebalance: RebalancePolicy;
}

const MINUTE_MS = 60_000;

export const DEFAULT_POLICY: ClusterPolicy = {
  topologyLevels: ["site", "row", "rack"],
  environments: {},
  rebalance: {
    automation: "off",
    periodMs: 10 * MINUTE_MS,
    gainMin: 0.1,
    startAbove: 0.05,
    holdPasses: 3,
    cooldownMs: 60 * MINUTE_MS,
    movesPerDayMax: 200,
    movesPerPlanMax: 20,
  },
};
