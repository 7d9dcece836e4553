/** High availability: what the cluster does by itself for a VM, and what is known of a host that is gone. */
import type { HostId } from "./ids.ts";

/** After what a VM is started again. "on-failure": after everything but a shutdown its guest or a person asked for. */
export type HaRestart = "never" | "on-failure" | "always";

/**
 * What a host with an armed watchdog does with the VM when it can no longer renew its lease. "stop" makes it certain,
 * without a fence device, that the VM may be started elsewhere; "run" keeps it up while the coordinator is away.
 */
export type HaIsolation = "stop" | "run";

/** Written by people, as part of a VM's spec. */
export interface HaPolicy {
  readonly restart: HaRestart;
  /** The larger, the earlier it is started; 0 to 1000. */
  readonly priority: number;
  /** Restarts within the window before the VM is left in error. */
  readonly restartsMax: number;
  readonly windowMs: number;
  readonly isolation: HaIsolation;
  /** Its host starts it after a boot without asking. Only with restart "never": others wait for the coordinator. */
  readonly autostart: boolean;
}

export const HA_PRIORITY_DEFAULT = 100;
export const HA_PRIORITY_MAX = 1_000;
/** A fourth restart in an hour has never helped anybody; a person should look. */
export const HA_RESTARTS_MAX_DEFAULT = 3;
export const HA_RESTARTS_MAX_MAX = 100;
export const HA_WINDOW_MS_DEFAULT = 3_600_000;
export const HA_WINDOW_MS_MAX = 30 * 24 * 3_600_000;

/** Of a VM whose owner has said nothing: it is left alone. */
export const noHaPolicy: HaPolicy = {
  restart: "never",
  priority: HA_PRIORITY_DEFAULT,
  restartsMax: HA_RESTARTS_MAX_DEFAULT,
  windowMs: HA_WINDOW_MS_DEFAULT,
  isolation: "stop",
  autostart: false,
};

export const policyOf = (spec: { readonly ha?: HaPolicy }): HaPolicy => spec.ha ?? noHaPolicy;

/** True when its host stops the VM rather than let it run without a lease. */
export const isGuarded = (policy: HaPolicy): boolean =>
  policy.restart !== "never" && policy.isolation === "stop";

/** Why the cluster restarted a VM, and when. Written by the leader. */
export interface VmRecovery {
  /** Wall-clock milliseconds, oldest first; those that the policy's window has left behind are dropped. */
  readonly restartsMs: readonly number[];
  /** Present: it is restarted no more until a person has reset it. */
  readonly error?: { readonly message: string; /** RFC 3339. */ readonly at: string };
  /** Where it was last tried in vain: the next try goes elsewhere. */
  readonly failedHostId?: HostId;
}

export const noRecovery: VmRecovery = { restartsMs: [] };

/**
 * Why it is certain that a host runs none of its VMs any more. "watchdog": its lease ended and its watchdog has acted,
 * which says something of guarded VMs only. Void as soon as the host is heard again.
 */
export interface HostOff {
  readonly how: "watchdog" | "power" | "person";
  /** Who or what says so, for people. */
  readonly by: string;
  /** RFC 3339. */
  readonly at: string;
}

/** What a host guards its VMs with, as it last said. */
export interface HostWatchdog {
  readonly timeoutMs: number;
  /** The longest lease it may still count on. */
  readonly leaseMs: number;
}

/** One way to switch a host's power off: a fence agent and what it is told. */
export interface FenceDevice {
  /** "fence_ipmilan" */
  readonly agent: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** Names of secret parameters. Their values are kept sealed. */
  readonly sealed: Readonly<Record<string, string>>;
  /** Host whose agent runs it; absent: the coordinator does. */
  readonly viaHostId?: HostId;
}

/** What is done about failures. "freeze": nothing, until armed again. "ignore": nor is what stopped meanwhile restarted. */
export type HaMode = "armed" | "freeze" | "ignore";

export interface HaSwitch {
  readonly mode: HaMode;
  readonly reason: string;
  readonly changedBy: string;
  /** RFC 3339. */
  readonly changedAt: string;
}

export const haArmed: HaSwitch = { mode: "armed", reason: "", changedBy: "", changedAt: "" };
