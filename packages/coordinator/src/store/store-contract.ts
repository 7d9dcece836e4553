/** What every store must do. Each implementation runs this suite. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Store, Transaction } from "./store.ts";

export interface StoreSetting {
  readonly name: string;
  /** A new, empty place to store things. */
  readonly newPlace: () => Promise<string>;
  /** The store there: what an earlier one, closed or killed, had written is in it. */
  readonly open: (place: string) => Promise<Store>;
}

const nothing: Transaction = { expect: [], puts: [], deletes: [] };
const putting = (key: string, value: string): Transaction => ({
  ...nothing,
  puts: [{ key, value }],
});

async function contents(store: Store): Promise<Readonly<Record<string, string>>> {
  const { records } = await store.snapshot();
  return Object.fromEntries(records.map(({ key, value }) => [key, value]));
}

type Open = () => Promise<Store>;

export function storeContract(setting: StoreSetting): void {
  const open: Open = async () => setting.open(await setting.newPlace());
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
  });
}

function recordsContract(open: Open): void {
  it("begins empty", async () => {
    await using store = await open();
    expect(await store.snapshot()).toStrictEqual({ revision: 0, records: [] });
  });

  it("gives records in order of their keys, each with the revision that wrote it", async () => {
    await using store = await open();
    expect(await store.transact(putting("vm/b", "1"))).toBe(1);
    expect(await store.transact(putting("vm/a", "2"))).toBe(2);
    expect(await store.snapshot()).toStrictEqual({
      revision: 2,
      records: [
        { key: "vm/a", value: "2", revision: 2 },
        { key: "vm/b", value: "1", revision: 1 },
      ],
    });
  });

  it("replaces and removes", async () => {
    await using store = await open();
    await store.transact(putting("a", "old"));
    await store.transact({ ...putting("a", "new"), deletes: ["b"] });
    expect(await contents(store)).toStrictEqual({ a: "new" });
    await store.transact({ ...nothing, deletes: ["a"] });
    expect(await contents(store)).toStrictEqual({});
  });

  it("keeps any text", async () => {
    await using store = await open();
    const value = "quotes ' \" \\ , newline \n, zero width ​, emoji 🙂, 漢字";
    await store.transact(putting("a", value));
    expect(await contents(store)).toStrictEqual({ a: value });
  });
}

function expectationsContract(open: Open): void {
  it.each([
    ["a key that must not exist", { key: "a", revision: 0 }],
    ["a revision that has passed", { key: "a", revision: 7 }],
    ["a key that is gone", { key: "b", revision: 1 }],
  ])("refuses %s, and then changes nothing", async (_what, expectation) => {
    await using store = await open();
    await store.transact(putting("a", "1"));
    const before = await store.snapshot();
    const transaction: Transaction = {
      expect: [{ key: "a", revision: 1 }, expectation],
      puts: [
        { key: "a", value: "2" },
        { key: "c", value: "3" },
      ],
      deletes: [],
    };
    await expect(store.transact(transaction)).rejects.toMatchObject({ code: "version-conflict" });
    expect(await store.snapshot()).toStrictEqual(before);
  });

  it("lets one of two writers through that saw the same revision", async () => {
    await using store = await open();
    await store.transact(putting("a", "0"));
    const race = ["left", "right"].map((value) =>
      store.transact({ ...putting("a", value), expect: [{ key: "a", revision: 1 }] }),
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
    const first = await setting.open(place);
    await first.transact(putting("a", "1"));
    await first.transact(putting("b", "2"));
    const before = await first.snapshot();
    await first[Symbol.asyncDispose]();
    await using second = await setting.open(place);
    expect(await second.snapshot()).toStrictEqual(before);
    expect(await second.transact(putting("c", "3"))).toBe(before.revision + 1);
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
          await using store = await setting.open(place);
          for (const { puts, deletes, stale } of steps) {
            const gone = deletes.filter((name) => puts.every((put) => put.key !== name));
            const expectations = stale ? [{ key: "a", revision: 1_000_000 }] : [];
            const asked = store.transact({ puts, deletes: gone, expect: expectations });
            const done = await asked.then(
              () => true,
              () => false,
            );
            expect(done).toBe(!stale);
            if (stale) continue;
            for (const name of gone) model.delete(name);
            for (const put of puts) model.set(put.key, put.value);
          }
          expect(await contents(store)).toStrictEqual(Object.fromEntries(model));
        }
        await using again = await setting.open(place);
        expect(await contents(again)).toStrictEqual(Object.fromEntries(model));
      }),
      { numRuns: 20 },
    );
  });
}
