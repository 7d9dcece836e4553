/** What the measuring program and its fleets of agents say to each other. */
import type { PowerAction } from "../../packages/agent/src/hypervisor/hypervisor.ts";

export interface FleetOrder {
  readonly identitiesPath: string;
  /** Numbers of the first and the last host. */
  readonly from: number;
  readonly to: number;
  readonly vmsPerHost: number;
}

export type FleetQuestion =
  | { readonly kind: "start"; readonly order: FleetOrder }
  | { readonly kind: "status" }
  /** Changes one VM behind everybody's back. */
  | {
      readonly kind: "change";
      readonly host: number;
      readonly index: number;
      readonly action: PowerAction;
    }
  /** Changes so many VMs a second, at random, from now on. */
  | { readonly kind: "churn"; readonly perSecond: number }
  /** Forgets round trips and counts anew from here. */
  | { readonly kind: "mark" }
  /** One host reports everything now. */
  | { readonly kind: "report"; readonly host: number }
  | { readonly kind: "stop" };

export interface FleetStatus {
  readonly agents: number;
  readonly live: number;
  /** Sessions opened since the fleet started. */
  readonly opened: number;
  /** Since the last mark, in milliseconds, sorted. */
  readonly roundTripsMs: readonly number[];
  /** Since the last mark, on the TCP sockets of all agents. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly reportsSent: { readonly full: number; readonly delta: number };
  /** Starts and stops that were ordered, since the fleet started. */
  readonly ordered: number;
  readonly cpuSeconds: number;
  /** CLOCK_MONOTONIC when the question was answered; of "change": when libvirt would have said it. */
  readonly atNs: string;
}

export interface Asked {
  readonly id: number;
  readonly question: FleetQuestion;
}

export interface Answered {
  readonly id: number;
  readonly status: FleetStatus;
}
