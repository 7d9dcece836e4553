/** Part of the store's contract: terms grow, one leads, and a term that is over writes nothing. */
import { expect, it } from "vitest";
import { lead, LedStore, member, type StoreSetting } from "../testing/led-store.ts";

export function electionContract(setting: StoreSetting): void {
  it("says who leads, and that nobody does", async () => {
    await using store = await setting.open(await setting.newPlace());
    expect(await store.leader()).toBeUndefined();
    const leadership = await lead(store, "anna");
    expect(leadership.isCurrent()).toBe(true);
    expect(leadership.lost.aborted).toBe(false);
    expect(await store.leader()).toStrictEqual({ term: leadership.term, member: member("anna") });
    expect(await store.members()).toStrictEqual([member("anna")]);
    await leadership.resign(new Error("enough"));
    expect(await store.leader()).toBeUndefined();
    expect(leadership.lost.reason).toMatchObject({ message: "enough" });
    expect(leadership.isCurrent()).toBe(false);
  });

  it("gives every leadership a larger term, also after the place was opened again", async () => {
    const place = await setting.newPlace();
    const terms: number[] = [];
    for (let count = 0; count < 3; count += 1) {
      await using led = await LedStore.on(await setting.open(place));
      terms.push(led.leadership.term);
    }
    expect(terms).toStrictEqual(terms.toSorted((left, right) => left - right));
    expect(new Set(terms).size).toBe(3);
  });

  it("writes nothing for a term that was resigned once another leads", async () => {
    await using store = await setting.open(await setting.newPlace());
    const first = await LedStore.on(store, "a");
    await first.put("a", "1");
    await first.leadership.resign(new Error("enough"));
    const second = await LedStore.on(store, "b");
    await expect(first.put("a", "2")).rejects.toMatchObject({ code: "not-leader" });
    expect(await second.contents()).toStrictEqual({ a: "1" });
    await second.put("a", "3");
    expect(await second.contents()).toStrictEqual({ a: "3" });
    await second.leadership.resign(new Error("enough"));
  });

  it("writes nothing for a leader that was overtaken and does not know it yet", async () => {
    const place = await setting.newPlace();
    const deposed = await LedStore.on(await setting.open(place), "a");
    await deposed.put("a", "1");
    await setting.overtake(deposed.store);
    await using next = await LedStore.on(await setting.open(place), "b");
    expect(next.leadership.term).toBeGreaterThan(deposed.leadership.term);
    await expect(deposed.put("a", "2")).rejects.toMatchObject({ code: "not-leader" });
    expect(await next.contents()).toStrictEqual({ a: "1" });
    await next.put("b", "2");
    expect(await next.contents()).toStrictEqual({ a: "1", b: "2" });
    await deposed.store[Symbol.asyncDispose]();
  });

  it("leaves when the signal says so", async () => {
    await using store = await setting.open(await setting.newPlace());
    const stop = new AbortController();
    stop.abort(new Error("no more"));
    await expect(store.campaign(member("a"), stop.signal)).rejects.toThrow("no more");
    expect(await store.leader()).toBeUndefined();
  });
}
