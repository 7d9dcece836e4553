import { describe, expect, it } from "vitest";
import type { Log } from "./log-port.ts";
import { createServiceNotifier, watchdogIntervalMs } from "./service-notify.ts";
import { SimulatedClock } from "./simulated-clock.ts";

function aLog(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const write = (_fields: object, message: string): void => {
    lines.push(message);
  };
  return { lines, info: write, warn: write, error: write };
}

const underSystemd = { NOTIFY_SOCKET: "/run/systemd/notify", WATCHDOG_USEC: "60000000" };

describe("telling systemd", () => {
  it("says what is so, under systemd only", async () => {
    const sent: (readonly string[])[] = [];
    const send = async (assignments: readonly string[]): Promise<void> => {
      sent.push(assignments);
    };
    const parts = { clock: new SimulatedClock(), log: aLog(), send };
    await createServiceNotifier({ ...parts, environment: {} }).ready("up");
    expect(sent).toStrictEqual([]);
    const notifier = createServiceNotifier({ ...parts, environment: underSystemd });
    await notifier.ready("3 hosts\nREADY=0");
    await notifier.stopping();
    expect(sent).toStrictEqual([["READY=1", "STATUS=3 hosts READY=0"], ["STOPPING=1"]]);
  });

  it("feeds the watchdog three times in its time while healthy, until it is told to stop", async () => {
    const clock = new SimulatedClock();
    const log = aLog();
    const stop = new AbortController();
    let healthy = true;
    let fed = 0;
    const send = async (): Promise<void> => {
      fed += 1;
    };
    const notifier = createServiceNotifier({ environment: underSystemd, clock, log, send });
    const feeding = notifier.feedWatchdog(() => healthy, stop.signal);
    await clock.runFor(60_000);
    expect(fed).toBe(4);
    healthy = false;
    await clock.runFor(60_000);
    expect(fed).toBe(4);
    expect(log.lines).toContain("not well: the watchdog is not fed");
    stop.abort();
    await expect(feeding).resolves.toBeUndefined();
  });

  it("goes on when systemd does not listen", async () => {
    const log = aLog();
    const send = async (): Promise<void> => {
      throw new Error("refused");
    };
    const clock = new SimulatedClock();
    const notifier = createServiceNotifier({ environment: underSystemd, clock, log, send });
    await notifier.ready("up");
    expect(log.lines).toStrictEqual(["could not notify systemd"]);
  });

  it("knows when there is no watchdog", () => {
    expect(watchdogIntervalMs({})).toBeUndefined();
    expect(watchdogIntervalMs({ WATCHDOG_USEC: "no" })).toBeUndefined();
    expect(watchdogIntervalMs({ WATCHDOG_USEC: "60000000" })).toBe(20_000);
  });
});
