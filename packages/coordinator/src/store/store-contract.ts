/** What every store must do. Each implementation runs this suite. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LedStore, type Open, type StoreSetting } from "../testing/led-store.ts";
import { electionContract } from "./election-contract.ts";
import { watchContract } from "./watch-contract.ts";
import { TRANSACTION_RECORDS_MAX } from "./store.ts";

export function storeContract(setting: StoreSetting): void {
  const open: Open = async () => LedStore.on(await setting.open(await setting.newPlace()));
  describe(`store contract: ${setting.name}`, () => {
    describe("records", () => {
      recordsContract(open);
    });
    describe("expectations", () => {
      expectationsContract(open);
    });
    describe("durability", () => {
      durabilityContract(setting);
    });
    describe("watch", () => {
      watchContract(open);
    });
    describe("terms", () => {
      electionContract(setting);
    });
  });
}

function recordsContract(open: Open): void {
  it("begins empty", async () => {
    await using led = await open();
    expect((await led.store.snapshot()).records).toStrictEqual([]);
  });

  it("gives records in order of their keys, each with the revision that wrote it", async () => {
    await using led = await open();
    const first = await led.put("vm/b", "1");
    const second = await led.put("vm/a", "2");
    expect(second).toBeGreaterThan(first);
    const { revision, records } = await led.store.snapshot();
    expect(revision).toBeGreaterThanOrEqual(second);
    expect(records).toStrictEqual([
      { key: "vm/a", value: "2", revision: second },
      { key: "vm/b", value: "1", revision: first },
    ]);
    expect(await led.store.newest()).toBe(second);
  });

  it("replaces and removes", async () => {
    await using led = await open();
    await led.put("a", "old");
    await led.transact({ puts: [{ key: "a", value: "new" }], deletes: ["b"] });
    expect(await led.contents()).toStrictEqual({ a: "new" });
    await led.transact({ deletes: ["a"] });
    expect(await led.contents()).toStrictEqual({});
  });

  it("keeps any text", async () => {
    await using led = await open();
    const value = "quotes ' \" \\ , newline \n, zero width ​, emoji 🙂, 漢字";
    await led.put("a", value);
    expect(await led.contents()).toStrictEqual({ a: value });
  });

  it("stores as many records at once as it says, and refuses more", async () => {
    await using led = await open();
    const many = (count: number) => {
      const keys = Array.from({ length: count }, (_, index) => `key-${String(index)}`);
      const expect = keys.map((key) => ({ key, revision: 0 }));
      return { puts: keys.map((key) => ({ key, value: "x" })), expect };
    };
    await expect(led.transact(many(TRANSACTION_RECORDS_MAX + 1))).rejects.toMatchObject({
      code: "limit-exceeded",
    });
    expect(await led.contents()).toStrictEqual({});
    await led.transact(many(TRANSACTION_RECORDS_MAX));
    expect((await led.store.snapshot()).records).toHaveLength(TRANSACTION_RECORDS_MAX);
  });
}

function expectationsContract(open: Open): void {
  it.each([
    ["a key that must not exist", { key: "a", revision: 0 }],
    ["a revision that has passed", { key: "a", revision: 1_000_000_007 }],
    ["a key that is gone", { key: "b", revision: 1 }],
  ])("refuses %s, and then changes nothing", async (_what, expectation) => {
    await using led = await open();
    const revision = await led.put("a", "1");
    const before = await led.store.snapshot();
    const refused = led.transact({
      expect: [{ key: "a", revision }, expectation],
      puts: [
        { key: "a", value: "2" },
        { key: "c", value: "3" },
      ],
    });
    await expect(refused).rejects.toMatchObject({ code: "version-conflict" });
    expect((await led.store.snapshot()).records).toStrictEqual(before.records);
  });

  it("lets one of two writers through that saw the same revision", async () => {
    await using led = await open();
    const revision = await led.put("a", "0");
    const race = ["left", "right"].map((value) =>
      led.transact({ puts: [{ key: "a", value }], expect: [{ key: "a", revision }] }),
    );
    const outcomes = await Promise.allSettled(race);
    expect(outcomes.map(({ status }) => status).toSorted()).toStrictEqual([
      "fulfilled",
      "rejected",
    ]);
  });
}

function durabilityContract(setting: StoreSetting): void {
  it("has after reopening what it had acknowledged", async () => {
    const place = await setting.newPlace();
    const first = await LedStore.on(await setting.open(place));
    await first.put("a", "1");
    const last = await first.put("b", "2");
    const before = await first.store.snapshot();
    await first[Symbol.asyncDispose]();
    await using second = await LedStore.on(await setting.open(place));
    expect((await second.store.snapshot()).records).toStrictEqual(before.records);
    expect(await second.put("c", "3")).toBeGreaterThan(last);
  });

  it("is a map with all-or-nothing changes, whatever is asked of it", async () => {
    const key = fc.constantFrom("a", "b", "c", "d");
    const step = fc.record({
      puts: fc.uniqueArray(fc.record({ key, value: fc.string() }), {
        selector: (put) => put.key,
        maxLength: 3,
      }),
      deletes: fc.uniqueArray(key, { maxLength: 2 }),
      /** Expects what is not so. */
      stale: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const place = await setting.newPlace();
        const model = new Map<string, string>();
        {
          await using led = await LedStore.on(await setting.open(place));
          for (const { puts, deletes, stale } of steps) {
            const gone = deletes.filter((name) => puts.every((put) => put.key !== name));
            const expectations = stale ? [{ key: "a", revision: 1_000_000_007 }] : [];
            const asked = led.transact({ puts, deletes: gone, expect: expectations });
            const done = await asked.then(
              () => true,
              () => false,
            );
            expect(done).toBe(!stale);
            if (stale) continue;
            for (const name of gone) model.delete(name);
            for (const put of puts) model.set(put.key, put.value);
          }
          expect(await led.contents()).toStrictEqual(Object.fromEntries(model));
        }
        await using again = await LedStore.on(await setting.open(place));
        expect(await again.contents()).toStrictEqual(Object.fromEntries(model));
      }),
      { numRuns: setting.histories },
    );
  });
}
