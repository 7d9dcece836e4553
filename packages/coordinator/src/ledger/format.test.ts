/** Upgrades from one version to the next, and back: what each reads and keeps of the other. */
import { fromJson, toJson } from "@muster/model";
import { describe, expect, it } from "vitest";
import { SqliteStore } from "../store/sqlite-store.ts";
import type { Store } from "../store/store.ts";
import { aHost, aVm, clusterId, hostIdOf } from "../testing/builders.ts";
import { LedStore } from "../testing/led-store.ts";
import { checkFormat, FORMAT } from "./format.ts";
import { Ledger, put } from "./ledger.ts";

const NEWER = FORMAT + 1;
const cluster = { id: clusterId, operationCount: 7, macCount: 3 };

/** What another version left, written as it writes: past everything this version knows. */
async function writtenByOther(store: Store, records: Readonly<Record<string, object>>) {
  const other = await LedStore.on(store, "other-version");
  const puts = Object.entries(records).map(([key, record]) => ({ key, value: toJson(record) }));
  await other.transact({ puts });
  await other.leadership.resign(new Error("it is upgraded"));
}

const open = (store: Store): Promise<Ledger> =>
  Ledger.open(store, () => {
    throw new Error("the cluster has an id");
  });

async function stored(store: Store, key: string): Promise<unknown> {
  const found = (await store.snapshot()).records.find((record) => record.key === key);
  return found === undefined ? undefined : fromJson(found.value);
}

const hostKey = `host/${hostIdOf(1)}`;
const fromNewer = {
  "cluster/this": { ...cluster, format: NEWER, mood: "calm" },
  [hostKey]: { ...aHost(1), rack: { row: 4, unit: 12n } },
  "gadget/one": { colour: "red" },
};

describe("a store that one version newer wrote", () => {
  it("is read, led and changed, and loses nothing that only the newer one knows", async () => {
    await using store = SqliteStore.open(":memory:");
    await writtenByOther(store, fromNewer);
    const ledger = await open(store);
    expect(ledger.view.hosts.get(hostIdOf(1))?.name).toBe("h1");
    await ledger.transact(({ cluster: now, hosts }) => {
      const host = hosts.get(hostIdOf(1));
      if (host === undefined) throw new Error("there is a host");
      return {
        changes: [
          put("cluster", { ...now, operationCount: now.operationCount + 1 }),
          put("host", { ...host, cordoned: true }),
          put("vm", aVm(1)),
        ],
        result: undefined,
      };
    });
    expect(await stored(store, "cluster/this")).toStrictEqual({
      ...fromNewer["cluster/this"],
      operationCount: 8,
    });
    expect(await stored(store, hostKey)).toStrictEqual({
      ...fromNewer[hostKey],
      cordoned: true,
    });
    expect(await stored(store, "gadget/one")).toStrictEqual({ colour: "red" });
  });

  it("is followed by a standby while the newer one leads", async () => {
    await using store = SqliteStore.open(":memory:");
    const ledger = await Ledger.copy(store);
    await writtenByOther(store, fromNewer);
    ledger.reload(await store.snapshot());
    expect(ledger.view.cluster.operationCount).toBe(7);
    const deletes = ["gadget/one", hostKey];
    ledger.follow({ revision: ledger.applied + 1, puts: [], deletes });
    expect(ledger.view.hosts.size).toBe(0);
  });
});

describe("a store that one version older wrote", () => {
  it("is read, brought to this format by the one who leads, and by nobody else", async () => {
    await using store = SqliteStore.open(":memory:");
    const network = {
      spec: { name: "blue", vlan: 7, mtu: 1500, hosts: ["h1"] },
      createdAt: "2026-01-01T00:00:00.000Z",
      removing: false,
    };
    await writtenByOther(store, { "cluster/this": cluster, "network/blue": network });
    const standby = await Ledger.copy(store);
    expect(await stored(store, "cluster/this")).toStrictEqual(cluster);
    const ledger = await open(store);
    expect(await stored(store, "cluster/this")).toStrictEqual({ ...cluster, format: FORMAT });
    for (const { view } of [standby, ledger]) {
      expect(view.networks.get("blue")?.spec).toMatchObject({
        segment: { kind: "vlan", vlan: 7 },
        hosts: { kind: "named", names: ["h1"] },
      });
    }
  });
});

describe("versions that are further apart", () => {
  it.each([undefined, 1, FORMAT, NEWER])("are not: %s", (format) => {
    expect(() => {
      checkFormat(format);
    }).not.toThrow();
  });

  it("are refused by number before anything is written", async () => {
    await using store = SqliteStore.open(":memory:");
    const tooNew = { ...cluster, format: NEWER + 1 };
    await writtenByOther(store, { "cluster/this": tooNew });
    await expect(open(store)).rejects.toMatchObject({
      code: "version-mismatch",
      message: `the store has records of format ${String(NEWER + 1)}, this program knows ${String(FORMAT)} and tolerates one more`,
      hint: "start the newer version of muster-coordinator",
    });
    expect(await stored(store, "cluster/this")).toStrictEqual(tooNew);
  });
});
