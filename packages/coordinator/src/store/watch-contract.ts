/** Part of the store's contract: a watcher sees every change, in order, and hears when it cannot. */
import { expect, it } from "vitest";
import type { Open } from "../testing/led-store.ts";
import type { Store, StoreChange } from "./store.ts";

/** Reads this many changes, then leaves. */
async function read(store: Store, after: number, count: number): Promise<readonly StoreChange[]> {
  const stop = new AbortController();
  const changes: StoreChange[] = [];
  if (count === 0) return changes;
  for await (const change of store.watch(after, stop.signal)) {
    changes.push(change);
    if (changes.length === count) break;
  }
  stop.abort();
  return changes;
}

export function watchContract(open: Open): void {
  it("gives what a transaction did, as one change", async () => {
    await using led = await open();
    const before = await led.put("gone", "1");
    const puts = [
      { key: "a", value: "1" },
      { key: "b", value: "2" },
    ];
    const revision = await led.transact({ puts, deletes: ["gone"] });
    const [change] = await read(led.store, before, 1);
    expect({
      ...change,
      puts: change?.puts.toSorted((x, y) => x.key.localeCompare(y.key)),
    }).toStrictEqual({
      revision,
      puts: puts.map((put) => ({ ...put, revision })),
      deletes: ["gone"],
    });
  });

  it("leaves nothing out between a snapshot and later changes, however they interleave", async () => {
    await using led = await open();
    await led.put("begin");
    const { revision } = await led.store.snapshot();
    const early: number[] = [];
    for (let count = 0; count < 5; count += 1) early.push(await led.put(`early-${String(count)}`));
    const reading = read(led.store, revision, 15);
    const late: number[] = [];
    for (let count = 0; count < 10; count += 1) late.push(await led.put("same", String(count)));
    const seen = await reading;
    expect(seen.map((change) => change.revision)).toStrictEqual([...early, ...late]);
    expect(seen.slice(5).map(({ puts }) => puts[0]?.value)).toStrictEqual(
      late.map((_, index) => String(index)),
    );
  });

  it("begins again in the middle", async () => {
    await using led = await open();
    const revisions: number[] = [];
    for (let count = 0; count < 6; count += 1) revisions.push(await led.put("a", String(count)));
    const first = await read(led.store, (revisions[0] ?? 0) - 1, 3);
    const second = await read(led.store, first.at(-1)?.revision ?? 0, 3);
    expect([...first, ...second].map(({ revision }) => revision)).toStrictEqual(revisions);
  });

  endsContract(open);
}

function endsContract(open: Open): void {
  it("ends with its signal", async () => {
    await using led = await open();
    const revision = await led.put("a");
    const stop = new AbortController();
    const seen: StoreChange[] = [];
    const reading = (async () => {
      for await (const change of led.store.watch(revision, stop.signal)) seen.push(change);
    })();
    stop.abort(new Error("enough"));
    await reading;
    expect(seen).toStrictEqual([]);
  });

  it("says so when changes were compacted away, and keeps the later ones and all records", async () => {
    await using led = await open();
    const first = await led.put("a", "1");
    const second = await led.put("a", "2");
    const third = await led.put("b", "3");
    await led.store.compact(second);
    await expect(read(led.store, first - 1, 1)).rejects.toMatchObject({ code: "version-conflict" });
    const [change] = await read(led.store, second, 1);
    expect(change?.revision).toBe(third);
    expect(await led.contents()).toStrictEqual({ a: "2", b: "3" });
    await led.store.compact(first);
  });
}
