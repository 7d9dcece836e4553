/** What is proven of a host counts only while nothing is heard of it, not even the beginning of a session. */
import { SimulatedClock } from "@muster/runtime";
import { describe, expect, it } from "vitest";
import { Ledger, put } from "../ledger/ledger.ts";
import { Observations } from "../observations/observations.ts";
import { SqliteStore } from "../store/sqlite-store.ts";
import { aHost, clusterId, hostIdOf } from "../testing/builders.ts";
import { forgetOff, recordOff } from "./host-off.ts";

const off = {
  how: "watchdog",
  by: "its watchdog has reset it",
  at: "2026-11-27T00:00:00Z",
} as const;
const h1 = hostIdOf(1);

async function scene() {
  const store = SqliteStore.open(":memory:");
  const ledger = await Ledger.open(store, () => clusterId);
  await ledger.transact(() => ({ changes: [put("host", aHost(1))], result: undefined }));
  const observations = new Observations(new SimulatedClock());
  return { ledger, observations, isOff: () => ledger.view.hosts.get(h1)?.off !== undefined };
}

describe("that a host is off", () => {
  it("is recorded while nothing is heard of it", async () => {
    const { ledger, observations, isOff } = await scene();
    expect(await recordOff({ ledger, observations }, h1, { off, session: 0 })).toBe(true);
    expect(isOff()).toBe(true);
  });

  it("is not recorded once its agent has dialled, before it says anything and after it is gone", async () => {
    const { ledger, observations, isOff } = await scene();
    const gone = observations.dialled(h1);
    const now = { off, session: observations.sessionsOf(h1) };
    expect(await recordOff({ ledger, observations }, h1, now)).toBe(false);
    gone();
    expect(await recordOff({ ledger, observations }, h1, { off, session: 0 })).toBe(false);
    expect(await recordOff({ ledger, observations }, h1, now)).toBe(true);
    expect(isOff()).toBe(true);
  });

  it("is forgotten although it was on its way to the disk when the agent dialled", async () => {
    const { ledger, observations, isOff } = await scene();
    const recording = recordOff({ ledger, observations }, h1, { off, session: 0 });
    observations.dialled(h1);
    await forgetOff(ledger, h1);
    await recording;
    expect(isOff()).toBe(false);
  });
});
