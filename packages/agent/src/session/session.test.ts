import { MusterError, parseClusterId } from "@muster/model";
import { seededRandom, SimulatedClock } from "@muster/runtime";
import { describe, expect, it } from "vitest";
import { clusterId, keptLog, ScriptedCoordinator } from "../testing/agent-setting.ts";
import { Session } from "./session.ts";

type Answer = ScriptedCoordinator | MusterError;

/** Answers each dial with the next of these, and then never. */
function setting(
  answers: readonly Answer[],
  options: {
    readonly isLibvirtAlive?: () => boolean;
    readonly takeIn?: () => Promise<undefined>;
    readonly seed?: number;
  } = {},
) {
  const { isLibvirtAlive = () => true, takeIn = async () => undefined, seed = 1 } = options;
  const clock = new SimulatedClock();
  const { log, lines } = keptLog();
  const waiting = [...answers];
  const dialledAtMs: number[] = [];
  const events: string[] = [];
  const session = new Session({
    clock,
    random: seededRandom(seed),
    log,
    clusterId,
    hello: {
      agentVersion: "0.1.0",
      agentIncarnation: "one",
      migrationAddress: "h1",
      metricsAddress: "",
    },
    dialer: {
      dial: async (signal) => {
        dialledAtMs.push(clock.now());
        const next = waiting.shift();
        if (next instanceof ScriptedCoordinator) return next.link;
        if (next !== undefined) throw next;
        return new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            reject(signal.reason as Error);
          });
        });
      },
      openBulk: async () => {
        throw new MusterError("unreachable", "no consoles here");
      },
    },
    handlers: {
      opened: async () => {
        events.push("opened");
      },
      received: async ({ kind }) => {
        events.push(kind);
        await takeIn();
      },
      closed: () => {
        events.push("closed");
      },
      isLibvirtAlive: async () => isLibvirtAlive(),
      leaseRequest: () => undefined,
      reportSequence: () => 7n,
    },
  });
  return { clock, session, dialledAtMs, events, lines };
}

const unreachable = new MusterError("unreachable", "the coordinator does not answer");

describe("a session", () => {
  it("says hello, is welcomed, and beats", async () => {
    const coordinator = new ScriptedCoordinator();
    const { clock, session, events } = setting([coordinator]);
    session.start();
    await clock.settle();
    expect(coordinator.heard[0]).toMatchObject({ kind: "hello", protocolVersions: [1, 2, 3] });
    expect(session.isLive).toBe(false);
    coordinator.welcome(5_000);
    coordinator.say({ kind: "request-report" });
    await clock.runFor(11_000);
    expect(events).toStrictEqual(["opened", "request-report"]);
    expect(coordinator.kinds()).toStrictEqual(["hello", "heartbeat", "heartbeat", "heartbeat"]);
    expect(coordinator.heard[1]).toMatchObject({ sequence: 7n, libvirtAlive: true });
    await session.stop();
    expect([coordinator.isClosed, events.at(-1)]).toStrictEqual([true, "closed"]);
  });

  it("measures how soon its heartbeats are answered, and is ended when three are not", async () => {
    const coordinator = new ScriptedCoordinator();
    const { clock, session } = setting([coordinator]);
    session.start();
    coordinator.welcome(1_000, 2);
    await clock.settle();
    const answered = () => coordinator.heard.findLast(({ kind }) => kind === "heartbeat");
    for (let beat = 1; beat <= 5; beat += 1) {
      expect(answered()).toMatchObject({ number: beat });
      await clock.runFor(30);
      coordinator.say({ kind: "heartbeat-answer", number: beat });
      await clock.runFor(970);
      expect(session.heartbeats.lastAnswer?.roundTripMs).toBe(30);
    }
    expect(session.heartbeats.lastAnswer?.sentAtMs).toBe(4_000);
    await clock.runFor(2_900);
    expect([coordinator.isClosed, session.isLive]).toStrictEqual([false, true]);
    await clock.runFor(100);
    expect(coordinator.isClosed).toBe(true);
    expect(session.state).toMatchObject({
      lastError: "the coordinator has not answered 3 heartbeats",
    });
    await session.stop();
  });

  it("is not ended for answers that wait behind an order being taken in", async () => {
    const coordinator = new ScriptedCoordinator();
    const disk = Promise.withResolvers<undefined>();
    const { clock, session } = setting([coordinator], { takeIn: () => disk.promise });
    session.start();
    coordinator.welcome(1_000, 2);
    coordinator.say({ kind: "request-report" });
    await clock.runFor(10_000);
    expect([coordinator.isClosed, session.isLive]).toStrictEqual([false, true]);
    for (let beat = 1; beat <= 10; beat += 1) {
      coordinator.say({ kind: "heartbeat-answer", number: beat });
    }
    disk.resolve(undefined);
    await clock.runFor(2_000);
    expect(session.isLive).toBe(true);
    await session.stop();
  });

  it("waits longer after every dial that fails, up to three seconds", async () => {
    const { clock, session, dialledAtMs } = setting(Array.from({ length: 12 }, () => unreachable));
    session.start();
    await clock.runFor(60_000);
    const pauses = dialledAtMs.slice(1).map((at, index) => at - (dialledAtMs[index] ?? 0));
    expect(pauses.length).toBe(12);
    expect(pauses[0]).toBeLessThanOrEqual(400);
    for (const pause of pauses) expect(pause).toBeLessThanOrEqual(3_000);
    for (const pause of pauses.slice(5)) expect(pause).toBeGreaterThanOrEqual(1_500);
    await session.stop();
  });

  it("that had lived is dialled again at once; one that is ended at once is not", async () => {
    const [long, ...short] = Array.from({ length: 7 }, () => new ScriptedCoordinator());
    const { clock, session, dialledAtMs } = setting([
      ...(long === undefined ? [] : [long]),
      ...short,
    ]);
    session.start();
    await clock.settle();
    long?.welcome();
    await clock.runFor(10_000);
    long?.end(new MusterError("unreachable", "the connection broke"));
    await clock.runFor(500);
    expect(dialledAtMs[1]).toBeLessThanOrEqual(10_400);
    for (const [index, coordinator] of short.entries()) {
      await clock.runUntil(() => dialledAtMs.length > index + 1, 10_000);
      coordinator.welcome();
      await clock.settle();
      coordinator.end();
    }
    await clock.runFor(10_000);
    const lastPauseMs = (dialledAtMs.at(-1) ?? 0) - (dialledAtMs.at(-2) ?? 0);
    expect(lastPauseMs).toBeGreaterThanOrEqual(1_500);
    await session.stop();
  });

  it("is dialled again within the time over which the coordinator wants to see all agents", async () => {
    const pauses = await Promise.all(
      Array.from({ length: 20 }, async (_, seed) => {
        const coordinator = new ScriptedCoordinator();
        const { clock, session, dialledAtMs } = setting([coordinator], { seed });
        session.start();
        coordinator.welcome(5_000, 1, 30_000);
        await clock.runFor(10_000);
        coordinator.end();
        await clock.runUntil(() => dialledAtMs.length > 1, 60_000);
        await session.stop();
        return (dialledAtMs[1] ?? 0) - 10_000;
      }),
    );
    const [first, last] = [Math.min(...pauses), Math.max(...pauses)];
    expect(first).toBeLessThan(5_000);
    expect(last).toBeGreaterThan(20_000);
    expect(last).toBeLessThan(30_200);
  });

  it("is ended when another cluster answers", async () => {
    const coordinator = new ScriptedCoordinator();
    const { clock, session, events } = setting([coordinator]);
    session.start();
    coordinator.say({
      kind: "welcome",
      protocolVersion: 1,
      clusterId: parseClusterId("dd000000-0000-4000-8000-000000000000"),
      heartbeatIntervalMs: 5_000,
      fullReportIntervalMs: 60_000,
      sampleIntervalMs: 5_000,
      reconnectSpreadMs: 0,
      leaseMs: 30_000,
    });
    await clock.settle();
    expect(events).toStrictEqual(["closed"]);
    expect(session.state).toMatchObject({
      name: "disconnected",
      lastError: expect.stringContaining("the host belongs to") as string,
    });
    await session.stop();
  });

  it.each([
    ["speaks before its welcome", (it: ScriptedCoordinator) => it.say({ kind: "request-report" })],
    [
      "welcomes twice",
      (it: ScriptedCoordinator) => {
        it.welcome();
        it.welcome();
      },
    ],
  ])("is ended when the coordinator %s", async (_what, misbehave) => {
    const coordinator = new ScriptedCoordinator();
    const { clock, session } = setting([coordinator]);
    session.start();
    misbehave(coordinator);
    await clock.settle();
    expect([coordinator.isClosed, session.state.name]).toStrictEqual([true, "disconnected"]);
    await session.stop();
  });

  it("sends nothing while it is down", async () => {
    const coordinator = new ScriptedCoordinator();
    const { clock, session } = setting([unreachable, coordinator]);
    session.start();
    await clock.settle();
    session.send({ kind: "heartbeat", sequence: 1n, libvirtAlive: true, number: 0 });
    await clock.runFor(1_000);
    session.send({ kind: "heartbeat", sequence: 2n, libvirtAlive: true, number: 0 });
    expect(coordinator.kinds()).toStrictEqual(["hello"]);
    await session.stop();
  });

  it("is ended, not the agent, when the hypervisor cannot even be asked", async () => {
    const coordinator = new ScriptedCoordinator();
    const { clock, session } = setting([coordinator], {
      isLibvirtAlive: () => {
        throw new Error("the connection to libvirt is in no state to be asked");
      },
    });
    session.start();
    coordinator.welcome();
    await clock.runFor(100);
    expect(coordinator.isClosed).toBe(true);
    await session.stop();
  });
});
