/**
 * The machine's watchdog, as the agent needs it. Once armed it resets the host unless it is fed, whatever has become of
 * this process: frozen, killed or starved.
 */
export interface Watchdog {
  /** Starts it, or goes on feeding one that an earlier agent left running. Answers its timeout. */
  arm(): Promise<number>;
  /** At once and without waiting: nothing may come between the decision to feed it and the feeding. */
  feed(): void;
  /** Stops it. The host is not reset any more. */
  disarm(): void;
  /** Lets go of it without stopping it: whoever arms it again in time saves the host. */
  abandon(): void;
}

/** What the agent last knew of its lease. It outlives the process, not the boot. */
export interface LeaseStore {
  load(): Promise<KeptLease | undefined>;
  save(lease: KeptLease): Promise<void>;
}

export interface KeptLease {
  /** Of the boot whose clock `endsMs` counts in. */
  readonly bootId: string;
  /** Milliseconds since that boot, time asleep included. */
  readonly endsMs: number;
  /** False: the watchdog was stopped. */
  readonly armed: boolean;
}

/** Time since boot. It goes on while processes are stopped and while the machine sleeps. */
export interface BootClock {
  readonly bootId: string;
  uptimeMs(): number;
}
