/**
 * Time as an argument. Nothing else in the daemons may ask what time it is or set a timer, so whole clusters run
 * in simulated time (`simulated-clock.ts`).
 */
import { setImmediate, setTimeout as delay } from "node:timers/promises";

export interface Clock {
  /** Milliseconds, monotonic, from an arbitrary start. The only time that may influence a decision. */
  now(): number;
  /** For records and people. Jumps; never compare two of these to decide something within a process. */
  wall(): Date;
  /** Resolves after the time has passed; rejects with the signal's reason when it aborts first. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => new Date(),
  async sleep(durationMs, signal) {
    try {
      await delay(durationMs, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      throw signal?.aborted === true ? signal.reason : error;
    }
  },
};

/** Lets whatever waits on sockets and timers have its turn. In real time only: a simulated cluster has no such turns. */
export const nextTurn = (): Promise<void> => setImmediate();
