import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LedStore } from "../testing/led-store.ts";
import { SqliteStore } from "../store/sqlite-store.ts";
import { backup, restore } from "./backup-commands.ts";
import { readCoordinatorConfig } from "./config.ts";

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muster-backup-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const config = () => readCoordinatorConfig({ options: new Map([["data-directory", directory]]) });
const state = (): string => join(directory, "state.sqlite");
const file = (): string => join(directory, "b.backup");

/** More than one transaction may hold. */
async function fill(value: string): Promise<void> {
  await using led = await LedStore.on(SqliteStore.open(state()));
  await led.put("cluster/this", "{}");
  for (let count = 0; count < 300; count += 1) await led.put(`vm/${String(count)}`, value);
}

async function contents(): Promise<Readonly<Record<string, string>>> {
  await using store = SqliteStore.open(state());
  const { records } = await store.snapshot();
  return Object.fromEntries(records.map(({ key, value }) => [key, value]));
}

describe("a backup", () => {
  it("is taken while the store is written to, and brings everything back", async () => {
    await fill("old");
    await writeFile(join(directory, "authority.seal"), "secret");
    const before = await contents();
    {
      await using led = await LedStore.on(SqliteStore.open(state()));
      expect(await backup(config(), file())).toContain("301 records");
      await led.put("vm/1", "new");
    }
    expect((await stat(file())).mode & 0o777).toBe(0o600);
    await rm(join(directory, "authority.seal"));
    expect(await restore(config(), file())).toContain("before-restore-");
    expect(await contents()).toStrictEqual(before);
    expect(await readFile(join(directory, "authority.seal"), "utf8")).toBe("secret");
    const aside = (await readdir(directory)).find((name) => name.startsWith("before-restore-"));
    expect(await readdir(join(directory, aside ?? ""))).toContain("state.sqlite");
  });

  it("is not written over another file, nor of nothing", async () => {
    await expect(backup(config(), file())).rejects.toMatchObject({ code: "not-found" });
    await fill("x");
    await writeFile(file(), "a letter");
    await expect(backup(config(), file())).rejects.toMatchObject({ code: "invalid" });
  });

  it.each([
    ["another program's", "PRAGMA application_id = 7", "storage-failed"],
    ["a newer version's", "PRAGMA user_version = 9", "version-mismatch"],
    ["one that was changed", "UPDATE records SET value = 'y' WHERE key = 'vm/7'", "storage-failed"],
    ["one that lacks a record", "DELETE FROM records WHERE key = 'vm/7'", "storage-failed"],
  ])("is refused when it is %s, and nothing is touched", async (_what, sql, code) => {
    await fill("x");
    await backup(config(), file());
    const database = new DatabaseSync(file());
    database.exec(sql);
    database.close();
    const before = await contents();
    await expect(restore(config(), file())).rejects.toMatchObject({ code });
    expect(await contents()).toStrictEqual(before);
  });

  it("is refused when it is cut short", async () => {
    await fill("x");
    await backup(config(), file());
    const bytes = await readFile(file());
    await writeFile(file(), bytes.subarray(0, bytes.length / 2));
    await expect(restore(config(), file())).rejects.toMatchObject({ code: "storage-failed" });
  });

  it("is not restored while a coordinator works in the directory", async () => {
    const { lockDirectory } = await import("../store/directory-lock.ts");
    await fill("x");
    await backup(config(), file());
    using _running = lockDirectory(directory);
    await expect(restore(config(), file())).rejects.toMatchObject({ code: "wrong-state" });
  });
});
