import { setImmediate as nextTurn } from "node:timers/promises";
import { seededRandom, SimulatedClock } from "@muster/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SimulatedQuorum } from "./simulated-store.ts";
import { LedStore } from "../testing/led-store.ts";
import { storeContract } from "./store-contract.ts";

/** Simulated time that passes by itself, however busy the machine is: the suite only awaits. */
const fast = new SimulatedClock();
const over = new AbortController();
let passing: Promise<void> | undefined;
beforeAll(() => {
  passing = (async () => {
    while (!over.signal.aborted) {
      await fast.runFor(5);
      await nextTurn();
    }
  })();
});
afterAll(async () => {
  over.abort();
  await passing;
});

const places = new Map<string, SimulatedQuorum>();
let clients = 0;

storeContract({
  name: "simulated",
  newPlace: async () => {
    const place = String(places.size + 1);
    places.set(place, new SimulatedQuorum({ clock: fast, random: seededRandom(places.size) }));
    return place;
  },
  open: async (place) => {
    const quorum = places.get(place);
    if (quorum === undefined) throw new Error(`there is no place ${place}`);
    const name = `client-${String((clients += 1))}`;
    const store = quorum.connect(name);
    owners.set(store, () => {
      quorum.cutOff(name);
      return () => {
        quorum.reconnect(name);
      };
    });
    return store;
  },
  overtake: async (store) => {
    // Nothing it asks arrives until its lease has ended and another may lead.
    const reconnect = owners.get(store)?.();
    await fast.sleep(LONGER_THAN_A_LEASE_MS);
    reconnect?.();
  },
  histories: 10,
});

const LONGER_THAN_A_LEASE_MS = 6_000;
const owners = new WeakMap<object, () => () => void>();

describe("a simulated store", () => {
  it("tells a leader that was cut off that it no longer leads, before another one does", async () => {
    const quorum = new SimulatedQuorum({ clock: fast, random: seededRandom(1) });
    const [one, other] = [quorum.connect("one"), quorum.connect("other")];
    const first = await LedStore.on(one, "one");
    quorum.cutOff("one");
    const unknown = first.put("a");
    await expect(unknown).rejects.toMatchObject({ code: "unreachable" });
    const second = await LedStore.on(other, "other");
    expect(first.leadership.isCurrent()).toBe(false);
    expect(first.leadership.lost.aborted).toBe(true);
    await second.put("b");
    await second[Symbol.asyncDispose]();
    await one[Symbol.asyncDispose]();
  });
});
