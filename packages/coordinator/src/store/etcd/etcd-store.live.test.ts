/** The store's contract against a real etcd of three members, and members killed and paused under it. */
import { systemClock, systemRandom, type Clock } from "@muster/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LedStore } from "../../testing/led-store.ts";
import { RealEtcd } from "../../testing/real-etcd.ts";
import { storeContract } from "../store-contract.ts";
import { EtcdStore } from "./etcd-store.ts";

const LEASE_MS = 2_000;

let etcd: RealEtcd;
beforeAll(async () => {
  etcd = await RealEtcd.start({ members: 3 });
});
afterAll(async () => {
  await etcd[Symbol.asyncDispose]();
});

let places = 0;
const newPlace = async (): Promise<string> => `/test/${String((places += 1))}`;

/** The clock of a process that can be stopped: timers that would fire meanwhile fire when it goes on. */
class StoppableClock implements Clock {
  #stopped: Promise<void> | undefined;

  now = (): number => systemClock.now();
  wall = (): Date => systemClock.wall();

  async sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    await systemClock.sleep(durationMs, signal);
    await this.#stopped;
    signal?.throwIfAborted();
  }

  stop(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#stopped = promise;
    return () => {
      this.#stopped = undefined;
      resolve();
    };
  }
}

const clocks = new WeakMap<object, StoppableClock>();

function open(prefix: string): EtcdStore {
  const clock = new StoppableClock();
  const access = { endpoints: etcd.endpoints };
  const store = new EtcdStore({ access, prefix, leaseMs: LEASE_MS, clock, random: systemRandom });
  clocks.set(store, clock);
  return store;
}

storeContract({
  name: "etcd",
  newPlace,
  open: async (place) => open(place),
  overtake: async (store) => {
    const goOn = clocks.get(store)?.stop();
    // etcd ends a lease up to half a second after its time.
    await systemClock.sleep(LEASE_MS + 1_500);
    goOn?.();
  },
  histories: 5,
});

describe("a store on three members of etcd", () => {
  /** Writes numbers under one key until told to stop; gives what was acknowledged. */
  async function writeWhile(led: LedStore, trouble: () => Promise<void>): Promise<number> {
    let isOver = false;
    let acknowledged = 0;
    const writing = (async () => {
      while (!isOver) {
        await led.put("count", String(acknowledged + 1));
        acknowledged += 1;
      }
    })();
    await trouble();
    isOver = true;
    await writing;
    return acknowledged;
  }

  it.each([0, 1, 2])("loses and repeats nothing while member %i is killed", async (index) => {
    const place = await newPlace();
    await using led = await LedStore.on(open(place));
    const begin = await led.put("begin");
    const stop = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const { puts } of led.store.watch(begin, stop.signal)) {
        seen.push(...puts.map(({ value }) => value));
      }
    })().catch((error: unknown) => error);
    const acknowledged = await writeWhile(led, async () => {
      await systemClock.sleep(150);
      await etcd.killMember(index);
      await systemClock.sleep(1_200);
      etcd.startMember(index);
    });
    expect(await led.contents()).toMatchObject({ count: String(acknowledged) });
    stop.abort();
    await watching;
    // What the watcher has seen has no gap and nothing twice, however far it came.
    expect(seen).toStrictEqual(seen.map((_, count) => String(count + 1)));
    expect(led.leadership.isCurrent()).toBe(true);
  });

  it("leaves a member that is paused", async () => {
    await using led = await LedStore.on(open(await newPlace()));
    for (const index of [0, 1, 2]) {
      const acknowledged = await writeWhile(led, async () => {
        etcd.pauseMember(index);
        await systemClock.sleep(600);
        etcd.continueMember(index);
      });
      expect(await led.contents()).toStrictEqual({ count: String(acknowledged) });
    }
  });

  it("acknowledges nothing without a quorum, stops leading, and goes on with another leader", async () => {
    const place = await newPlace();
    const led = await LedStore.on(open(place));
    await led.put("a", "before");
    await etcd.killMember(0);
    await etcd.killMember(1);
    await expect(led.put("a", "without")).rejects.toMatchObject({ code: "unreachable" });
    expect(led.leadership.isCurrent()).toBe(false);
    expect(led.leadership.lost.aborted).toBe(true);
    etcd.startMember(0);
    etcd.startMember(1);
    await using next = await LedStore.on(open(place));
    await expect(led.put("a", "late")).rejects.toMatchObject({ code: "not-leader" });
    await next.put("a", "after");
    expect(await next.contents()).toStrictEqual({ a: "after" });
    await led.store[Symbol.asyncDispose]();
  });

  it("is read whole when it is larger than a page", async () => {
    await using led = await LedStore.on(open(await newPlace()));
    for (let page = 0; page < 20; page += 1) {
      const keys = Array.from({ length: 110 }, (_, index) => `key-${String(page * 110 + index)}`);
      await led.transact({ puts: keys.map((key) => ({ key, value: "x" })) });
    }
    expect((await led.store.snapshot()).records).toHaveLength(2_200);
  });
});
