import * as fc from "fast-check";
import { MusterError, type HostRecord } from "@muster/model";
import { describe, expect, it } from "vitest";
import type { Member } from "../store/election.ts";
import { SqliteStore } from "../store/sqlite-store.ts";
import type { Store, Transaction } from "../store/store.ts";
import { aHost, anOperation, aNetwork, aVm, clusterId, contentsOf } from "../testing/builders.ts";
import { Ledger, put, remove, type RecordChange } from "./ledger.ts";
import { decodeRecord, keyOf } from "./records.ts";
import {
  activeOperations,
  findHost,
  findNetwork,
  findOperation,
  findVm,
  Tables,
  type LedgerView,
} from "./view.ts";

/** The real store, but the next write can be made to fail. */
class FailingStore implements Store {
  readonly inner = SqliteStore.open(":memory:");
  failNext: MusterError | undefined;

  snapshot() {
    return this.inner.snapshot();
  }

  newest() {
    return this.inner.newest();
  }

  watch(after: number, signal: AbortSignal) {
    return this.inner.watch(after, signal);
  }

  compact(through: number) {
    return this.inner.compact(through);
  }

  campaign(member: Member, signal: AbortSignal) {
    return this.inner.campaign(member, signal);
  }

  leader() {
    return this.inner.leader();
  }

  members() {
    return this.inner.members();
  }

  async transact(transaction: Transaction): Promise<number> {
    const failure = this.failNext;
    this.failNext = undefined;
    if (failure !== undefined) throw failure;
    return this.inner.transact(transaction);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.inner[Symbol.asyncDispose]();
  }
}

const open = (store: Store): Promise<Ledger> => Ledger.open(store, () => clusterId);

const apply = (ledger: Ledger, ...changes: readonly RecordChange[]): Promise<void> =>
  ledger.transact(() => ({ changes, result: undefined }));

function everything(view: LedgerView): ReadonlyMap<string, unknown> {
  const tables = new Tables();
  tables.put("cluster", view.cluster);
  for (const host of view.hosts.values()) tables.put("host", host);
  for (const vm of view.vms.values()) tables.put("vm", vm);
  for (const network of view.networks.values()) tables.put("network", network);
  for (const operation of view.operations.values()) tables.put("operation", operation);
  for (const invite of view.invites.values()) tables.put("invite", invite);
  return contentsOf(tables);
}

describe("a ledger", () => {
  it("names a new cluster once", async () => {
    await using store = new FailingStore();
    expect((await open(store)).view.cluster.id).toBe(clusterId);
    const again = await Ledger.open(store, () => {
      throw new Error("the cluster has an id");
    });
    expect(again.view.cluster.id).toBe(clusterId);
  });

  it("runs decisions one after another, each on what the one before left", async () => {
    await using store = new FailingStore();
    const ledger = await open(store);
    const count = (): Promise<number> =>
      ledger.transact(({ cluster }) => {
        const operationCount = cluster.operationCount + 1;
        return {
          changes: [put("cluster", { ...cluster, operationCount })],
          result: operationCount,
        };
      });
    const results = await Promise.all(Array.from({ length: 50 }, count));
    expect(results).toStrictEqual(Array.from({ length: 50 }, (_, index) => index + 1));
  });

  it("shows nothing before it is stored, and nothing when storing fails", async () => {
    await using store = new FailingStore();
    const ledger = await open(store);
    const heard: number[] = [];
    ledger.onChange((changes) => heard.push(changes.length));
    store.failNext = new MusterError("storage-failed", "the disk is full");
    const failed = apply(ledger, put("host", aHost(1)));
    expect(ledger.view.hosts.size).toBe(0);
    await expect(failed).rejects.toMatchObject({ code: "storage-failed" });
    expect([ledger.view.hosts.size, heard]).toStrictEqual([0, []]);
    await apply(ledger, put("host", aHost(1)));
    expect([ledger.view.hosts.size, heard]).toStrictEqual([1, [1]]);
  });

  it("goes on after a decision that throws", async () => {
    await using store = new FailingStore();
    const ledger = await open(store);
    const refused = ledger.transact(() => {
      throw new MusterError("busy", "not now");
    });
    const after = apply(ledger, put("host", aHost(1)));
    await expect(refused).rejects.toMatchObject({ code: "busy" });
    await after;
    expect(ledger.view.hosts.size).toBe(1);
  });

  it("tells listeners what changed until they leave, and nothing when nothing did", async () => {
    await using store = new FailingStore();
    const ledger = await open(store);
    const heard: string[] = [];
    const leave = ledger.onChange((changes) => {
      heard.push(changes.map(({ kind, change }) => `${change} ${kind}`).join(", "));
    });
    await apply(ledger);
    await apply(ledger, put("host", aHost(1)), put("vm", aVm(1)));
    await apply(ledger, remove("vm", aVm(1)));
    leave();
    await apply(ledger, remove("host", aHost(1)));
    expect(heard).toStrictEqual(["put host, put vm", "delete vm"]);
  });

  it("writes nothing once another leads", async () => {
    await using store = new FailingStore();
    const [one, other] = [await open(store), await open(store)];
    await apply(other, put("host", aHost(1)));
    await expect(apply(one, put("host", aHost(1, { cordoned: true })))).rejects.toMatchObject({
      code: "not-leader",
    });
    expect(one.isLeading).toBe(false);
    expect(one.view.hosts.size).toBe(0);
    expect(other.view.hosts.get(aHost(1).id)?.cordoned).toBe(false);
  });

  it.each(["version-conflict", "storage-failed", "limit-exceeded"] as const)(
    "leads on after a write that certainly did nothing: %s",
    async (code) => {
      await using store = new FailingStore();
      const ledger = await open(store);
      store.failNext = new MusterError(code, "no");
      await expect(apply(ledger, put("host", aHost(1)))).rejects.toMatchObject({ code });
      await apply(ledger, put("host", aHost(1)));
      expect(ledger.view.hosts.size).toBe(1);
    },
  );

  it.each(["unreachable", "timeout", "internal"] as const)(
    "steps down when nobody knows whether a write was done: %s",
    async (code) => {
      await using store = new FailingStore();
      const ledger = await open(store);
      store.failNext = new MusterError(code, "who knows");
      await expect(apply(ledger, put("host", aHost(1)))).rejects.toMatchObject({ code });
      expect(ledger.leadership?.lost.aborted).toBe(true);
      await expect(apply(ledger, put("host", aHost(2)))).rejects.toMatchObject({
        code: "not-leader",
      });
    },
  );

  it("is the same after reopening, whatever was decided", async () => {
    const number = fc.integer({ min: 1, max: 4 });
    const change: fc.Arbitrary<RecordChange> = fc.oneof(
      fc.tuple(number, fc.boolean()).map(([n, cordoned]) => put("host", aHost(n, { cordoned }))),
      number.map((n) => remove("host", aHost(n))),
      fc.tuple(number, fc.boolean()).map(([n, created]) => put("vm", aVm(n, { created }))),
      number.map((n) => remove("vm", aVm(n))),
      fc
        .tuple(number, fc.boolean())
        .map(([n, removing]) => put("network", aNetwork(`net-${String(n)}`, { removing }))),
      number.map((n) => remove("network", aNetwork(`net-${String(n)}`))),
      number.map((n) => put("operation", anOperation(n))),
      number.map((n) => remove("operation", anOperation(n))),
    );
    const decision = fc.record({
      changes: fc.array(change, { maxLength: 3 }),
      fate: fc.constantFrom("stored", "stored", "stored", "failed", "thrown"),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(decision, { maxLength: 30 }), async (decisions) => {
        await using store = new FailingStore();
        const ledger = await open(store);
        for (const { changes, fate } of decisions) {
          if (fate === "failed") store.failNext = new MusterError("storage-failed", "full");
          const before = everything(ledger.view);
          const stored = await ledger
            .transact(() => {
              if (fate === "thrown") throw new Error("refused");
              return { changes: distinct(changes), result: undefined };
            })
            .then(
              () => true,
              () => false,
            );
          store.failNext = undefined;
          if (!stored) expect(everything(ledger.view)).toStrictEqual(before);
        }
        const reopened = await open(store);
        expect(everything(reopened.view)).toStrictEqual(everything(ledger.view));
        for (const vm of ledger.view.vms.values()) {
          expect(reopened.view.vmByName(vm.spec.name)).toStrictEqual(vm);
        }
      }),
      { numRuns: 60 },
    );
  });
});

/** One change of each record: that is what a transaction is. */
function distinct(changes: readonly RecordChange[]): readonly RecordChange[] {
  const nameOf = ({ kind, value }: RecordChange): string => keyOf(kind, value as never);
  return [...new Map(changes.map((change) => [nameOf(change), change])).values()];
}

describe("stored records", () => {
  it("that cannot be read are refused by name", () => {
    const stored = { key: "vm/1", value: "{not json", revision: 1 };
    expect(() => decodeRecord(stored)).toThrow(
      expect.objectContaining({
        code: "storage-failed",
        message: expect.stringContaining(stored.key) as string,
      }) as Error,
    );
  });
});

describe("finding things", () => {
  const host: HostRecord = aHost(1);
  const tables = new Tables();
  tables.put("host", host);
  tables.put("vm", aVm(1));
  tables.put("operation", anOperation(40, { state: "running" }));
  tables.put("operation", anOperation(41));

  it("goes by name and by id", () => {
    expect(findHost(tables, "h1")).toBe(findHost(tables, host.id));
    expect(findVm(tables, "vm-1")).toBe(findVm(tables, aVm(1).id));
  });

  it("takes the beginning of an operation's id when it fits only one", () => {
    expect(findOperation(tables, "op-000014").id).toBe("op-000014");
    expect(() => findOperation(tables, "op-0000")).toThrow("more than one operation begins with");
    expect(() => findOperation(tables, "")).toThrow('there is no operation ""');
  });

  it.each([
    ["host", () => findHost(tables, "h9"), 'there is no host "h9"'],
    ["VM", () => findVm(tables, "vm 9"), 'there is no VM "vm 9"'],
    ["network", () => findNetwork(tables, "red"), 'there is no network "red"'],
    ["operation", () => findOperation(tables, "op-9"), 'there is no operation "op-9"'],
  ])("says which %s is not there, and what to do", (_what, find, message) => {
    expect(find).toThrow(
      expect.objectContaining({
        code: "not-found",
        message,
        hint: expect.stringMatching(/muster/) as string,
      }) as Error,
    );
  });

  it("knows which operations are active", () => {
    expect(activeOperations(tables).map(({ id }) => id)).toStrictEqual(["op-000014"]);
  });
});
