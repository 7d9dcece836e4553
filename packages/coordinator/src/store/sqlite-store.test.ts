import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SqliteStore } from "./sqlite-store.ts";
import { storeContract } from "./store-contract.ts";

let directory = "";
let count = 0;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "muster-store-"));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

const newPath = (): string => join(directory, `${String((count += 1))}.sqlite`);

storeContract({
  name: "sqlite",
  newPlace: async () => newPath(),
  open: async (path) => SqliteStore.open(path),
});

describe("a sqlite store", () => {
  const write = async (store: SqliteStore, key: string, value = "x"): Promise<void> => {
    await store.transact({ expect: [], puts: [{ key, value }], deletes: [] });
  };

  it("has what was acknowledged when it is opened beside one that never closed", async () => {
    const path = newPath();
    await using killed = SqliteStore.open(path);
    await write(killed, "a");
    await using next = SqliteStore.open(path);
    expect((await next.snapshot()).records).toHaveLength(1);
  });

  it("refuses a file of a newer version and leaves it as it is", async () => {
    const path = newPath();
    await using store = SqliteStore.open(path);
    await write(store, "a");
    const database = new DatabaseSync(path);
    database.exec("PRAGMA user_version = 99");
    database.close();
    const problem = expect.objectContaining({
      code: "version-mismatch",
      message: `the store ${path} has schema version 99, this program knows 1`,
    }) as Error;
    expect(() => SqliteStore.open(path)).toThrow(problem);
    expect(() => SqliteStore.open(path)).toThrow(problem);
  });

  it("refuses a file that is no database", async () => {
    const path = newPath();
    await writeFile(path, "this is a letter, not a database\n".repeat(100));
    expect(() => SqliteStore.open(path)).toThrow(
      expect.objectContaining({ code: "storage-failed" }) as Error,
    );
  });

  it("refuses a damaged file", async () => {
    const path = newPath();
    {
      await using store = SqliteStore.open(path);
      for (let number = 0; number < 200; number += 1) {
        await write(store, `key-${String(number).padStart(4, "0")}`, "v".repeat(200));
      }
    }
    const file = await open(path, "r+");
    const { size } = await file.stat();
    const garbage = Buffer.alloc(2_000, 0x5a);
    for (let offset = 8_192; offset + garbage.length < size; offset += 4_096) {
      await file.write(garbage, 0, garbage.length, offset);
    }
    await file.close();
    expect(() => SqliteStore.open(path)).toThrow(
      expect.objectContaining({ code: "storage-failed" }) as Error,
    );
  });

  it("refuses a place it cannot write to", () => {
    expect(() => SqliteStore.open(join(directory, "missing", "state.sqlite"))).toThrow(
      expect.objectContaining({ code: "storage-failed" }) as Error,
    );
  });

  it("says so when the disk refuses, and goes on with what it had", async () => {
    const path = newPath();
    await using store = SqliteStore.open(path);
    await write(store, "a");
    const other = new DatabaseSync(path);
    other.exec(
      "CREATE TRIGGER full BEFORE INSERT ON records WHEN NEW.key = 'b' " +
        "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END",
    );
    other.close();
    const transaction = {
      expect: [],
      puts: [
        { key: "c", value: "1" },
        { key: "b", value: "1" },
      ],
      deletes: [],
    };
    await expect(store.transact(transaction)).rejects.toMatchObject({ code: "storage-failed" });
    const { revision, records } = await store.snapshot();
    expect([revision, records.map(({ key }) => key)]).toStrictEqual([1, ["a"]]);
    await write(store, "d");
    expect((await store.snapshot()).revision).toBe(2);
  });
});
