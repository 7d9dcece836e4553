import { mkdtemp, open as openFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SqliteStore } from "./sqlite-store.ts";
import { LedStore } from "../testing/led-store.ts";
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
  overtake: async () => undefined,
  histories: 20,
});

describe("a sqlite store", () => {
  const open = (path: string): Promise<LedStore> => LedStore.on(SqliteStore.open(path));

  it("has what was acknowledged when it is opened beside one that never closed", async () => {
    const path = newPath();
    await using killed = await open(path);
    await killed.put("a");
    await using next = SqliteStore.open(path);
    expect((await next.snapshot()).records).toHaveLength(1);
  });

  it("refuses a file of a newer version and leaves it as it is", async () => {
    const path = newPath();
    await using store = await open(path);
    await store.put("a");
    const database = new DatabaseSync(path);
    database.exec("PRAGMA user_version = 99");
    database.close();
    const problem = expect.objectContaining({
      code: "version-mismatch",
      message: `the store ${path} has schema version 99, this program knows 2`,
    }) as Error;
    expect(() => SqliteStore.open(path)).toThrow(problem);
    expect(() => SqliteStore.open(path)).toThrow(problem);
  });

  it("refuses another program's database", () => {
    const path = newPath();
    const database = new DatabaseSync(path);
    database.exec("CREATE TABLE songs (title TEXT); PRAGMA user_version = 2");
    database.close();
    expect(() => SqliteStore.open(path)).toThrow(`${path} is a database of another program`);
  });

  it("brings a file of schema 1 to this one, and keeps a copy as it was", async () => {
    const path = newPath();
    const database = new DatabaseSync(path);
    // What version 0.1.0 wrote, to the letter.
    database.exec(`
      CREATE TABLE IF NOT EXISTS records (
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL,
        revision INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      INSERT OR IGNORE INTO state (name, value) VALUES ('revision', 7);
      INSERT INTO records VALUES ('vm/1', '{"a":1}', 7);
      PRAGMA user_version = 1;
    `);
    database.close();
    const records = [{ key: "vm/1", value: '{"a":1}', revision: 7 }];
    for (const term of [1, 2]) {
      await using led = await open(path);
      expect(await led.store.snapshot()).toStrictEqual({ revision: 7, records });
      expect(led.leadership.term).toBe(term);
    }
    const copy = new DatabaseSync(`${path}.schema-1`);
    expect(copy.prepare("PRAGMA user_version").get()).toEqual({ user_version: 1 });
    expect(copy.prepare("SELECT count(*) AS count FROM records").get()).toEqual({ count: 1 });
    copy.close();
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
      await using store = await open(path);
      for (let number = 0; number < 200; number += 1) {
        await store.put(`key-${String(number).padStart(4, "0")}`, "v".repeat(200));
      }
    }
    const file = await openFile(path, "r+");
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
    await using store = await open(path);
    const first = await store.put("a");
    const other = new DatabaseSync(path);
    other.exec(
      "CREATE TRIGGER full BEFORE INSERT ON records WHEN NEW.key = 'b' " +
        "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END",
    );
    other.close();
    const transaction = {
      puts: [
        { key: "c", value: "1" },
        { key: "b", value: "1" },
      ],
    };
    await expect(store.transact(transaction)).rejects.toMatchObject({ code: "storage-failed" });
    expect(await store.store.newest()).toBe(first);
    expect(await store.contents()).toStrictEqual({ a: "x" });
    expect(await store.put("d")).toBe(first + 1);
  });
});
