/**
 * The life of one simulated process. When it is killed, what it still had in hand comes to nothing: writes it asks
 * for never happen and never answer.
 */
import type { Clock } from "@muster/runtime";

export class Life {
  #isOver = false;

  get isOver(): boolean {
    return this.#isOver;
  }

  end(): void {
    this.#isOver = true;
  }

  /** The same object, with every method going nowhere once this life is over. */
  bind<Target extends object>(target: Target): Target {
    return new Proxy(target, {
      get: (object, name) => {
        const value: unknown = Reflect.get(object, name, object);
        if (typeof value !== "function") return value;
        return (...parameters: readonly unknown[]): unknown => {
          if (this.#isOver) return new Promise(() => undefined);
          return Reflect.apply(value, object, parameters) as unknown;
        };
      },
    });
  }

  /** The same time, but whoever sleeps past the end never wakes. */
  clock(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      wall: () => clock.wall(),
      sleep: async (durationMs, signal) => {
        if (this.#isOver) return new Promise(() => undefined);
        await clock.sleep(durationMs, signal);
        if (this.#isOver) await new Promise(() => undefined);
      },
    };
  }
}
