import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  commandIdOf,
  operationIdFrom,
  parseVmId,
  type Command,
  type CommandId,
  type CommandResult,
} from "@muster/model";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FileJournal } from "./file-journal.ts";
import type { Journal } from "./journal.ts";
import { MemoryJournal } from "./memory-journal.ts";

let directory = "";
let count = 0;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "muster-journal-"));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});
const newPath = (): string => join(directory, `journal-${String((count += 1))}`);

const idOf = (number: number): CommandId => commandIdOf(operationIdFrom(number), "start", 1);
const aCommand = (number: number): Command => ({
  kind: "command",
  commandId: idOf(number),
  timeoutMs: 1_000,
  action: { kind: "pause-vm", vmId: parseVmId("b0000000-0000-4000-8000-000000000001") },
});
const aResult = (number: number): CommandResult => ({ kind: "result", commandId: idOf(number) });

const summary = (journal: Journal): readonly string[] =>
  journal
    .entries()
    .map(
      ({ command, result }) => `${command.commandId} ${result === undefined ? "begun" : "done"}`,
    );

async function written(path: string, act: (journal: FileJournal) => Promise<void>): Promise<void> {
  await using journal = await FileJournal.open(path);
  await act(journal);
}

describe("a journal in a file", () => {
  it("has after reopening what was begun and finished, and not what was forgotten", async () => {
    const path = newPath();
    await written(path, async (journal) => {
      await journal.begin(aCommand(1));
      await journal.begin(aCommand(2));
      await journal.finish(aResult(2));
      await journal.begin(aCommand(3));
      await journal.forget(idOf(3));
    });
    await using again = await FileJournal.open(path);
    expect(summary(again)).toStrictEqual([`${idOf(1)} begun`, `${idOf(2)} done`]);
    expect(again.find(idOf(2))).toStrictEqual({ command: aCommand(2), result: aResult(2) });
    expect(again.find(idOf(9))).toBeUndefined();
  });

  it("is readable by its owner only", async () => {
    const path = newPath();
    await written(path, (journal) => journal.begin(aCommand(1)));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it("drops a last line that was cut short, at whatever byte", async () => {
    const path = newPath();
    await written(path, (journal) => journal.begin(aCommand(1)));
    const whole = (await readFile(path)).length;
    await written(path, async (journal) => {
      await journal.begin(aCommand(2));
    });
    const bytes = await readFile(path);
    const cutPath = newPath();
    for (let length = whole; length < bytes.length; length += 1) {
      await writeFile(cutPath, bytes.subarray(0, length));
      await using journal = await FileJournal.open(cutPath);
      expect(summary(journal)).toStrictEqual([`${idOf(1)} begun`]);
    }
    await writeFile(cutPath, bytes);
    await using journal = await FileJournal.open(cutPath);
    expect(journal.entries()).toHaveLength(2);
  });

  it("can be written to after a cut line, and nothing is lost then", async () => {
    const path = newPath();
    await written(path, async (journal) => {
      await journal.begin(aCommand(1));
      await journal.begin(aCommand(2));
    });
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, bytes.length - 7));
    await written(path, (journal) => journal.begin(aCommand(3)));
    await using again = await FileJournal.open(path);
    expect(summary(again)).toStrictEqual([`${idOf(1)} begun`, `${idOf(3)} begun`]);
  });

  it("is refused when a line before the last is damaged, at whatever byte", async () => {
    const path = newPath();
    await written(path, async (journal) => {
      await journal.begin(aCommand(1));
      await journal.begin(aCommand(2));
    });
    const bytes = await readFile(path);
    const firstLine = bytes.indexOf("\n");
    for (let index = 0; index < firstLine; index += 7) {
      const damaged = Buffer.from(bytes);
      damaged[index] = damaged[index] === 0x78 ? 0x79 : 0x78;
      await writeFile(path, damaged);
      await expect(FileJournal.open(path)).rejects.toMatchObject({
        code: "storage-failed",
        message: `the journal ${path} is damaged: line 1 of 2`,
      });
      // The evidence stays.
      expect(await readFile(path)).toStrictEqual(damaged);
    }
  });

  it("stays small, however much it is written to, and keeps what matters", async () => {
    const path = newPath();
    await using journal = await FileJournal.open(path);
    await journal.begin(aCommand(1));
    for (let number = 2; number < 1_200; number += 1) {
      await journal.begin(aCommand(number));
      await journal.forget(idOf(number));
    }
    const lines = (await readFile(path, "utf8")).split("\n").length;
    expect(lines).toBeLessThan(1_100);
    expect(summary(journal)).toStrictEqual([`${idOf(1)} begun`]);
    await using again = await FileJournal.open(path);
    expect(summary(again)).toStrictEqual([`${idOf(1)} begun`]);
  });

  it("goes on after a write that the disk cut short, and what follows is not taken for damage", async () => {
    const path = newPath();
    // A process whose files may have 4 KiB: the kernel writes what fits and refuses the rest, as a full disk does.
    const program = `
      const { FileJournal } = await import(${JSON.stringify(new URL("file-journal.ts", import.meta.url).href)});
      const journal = await FileJournal.open(${JSON.stringify(path)});
      const command = (number) => ({ commandId: "op-" + number, padding: "x".repeat(580) });
      let begun = 0;
      let code = "";
      while (code === "") {
        await journal.begin(command(begun + 1)).then(() => { begun += 1; }, (error) => { code = error.code; });
      }
      await journal.finish({ commandId: "op-1" });
      console.log(code, begun, journal.entries().length);
    `;
    const node = [process.execPath, "--input-type=module", "-e", program];
    const shell = ["-c", 'trap "" XFSZ; ulimit -f 4; exec "$@"', "bash", ...node];
    const [code, begun, entries] = execFileSync("bash", shell, { encoding: "utf8" })
      .trim()
      .split(" ");
    expect([code, Number(entries)]).toStrictEqual(["storage-failed", Number(begun)]);
    await using again = await FileJournal.open(path);
    expect(again.entries()).toHaveLength(Number(begun));
    expect(again.entries()[0]?.result).toBeDefined();
  });

  it("says so when it cannot be written, and says which file", async () => {
    const path = join(directory, "missing", "journal");
    await expect(FileJournal.open(path)).rejects.toMatchObject({
      code: "storage-failed",
      message: `failed to open the journal ${path}`,
    });
  });

  it("is the same as one in memory, whatever is done and whenever it is reopened", async () => {
    const number = fc.integer({ min: 1, max: 5 });
    const step = fc.oneof(
      number.map((n) => ({ kind: "begin", n }) as const),
      number.map((n) => ({ kind: "finish", n }) as const),
      number.map((n) => ({ kind: "forget", n }) as const),
      fc.constant({ kind: "reopen", n: 0 } as const),
    );
    const act = async (journal: Journal, kind: "begin" | "finish" | "forget", n: number) => {
      if (kind === "begin") await journal.begin(aCommand(n));
      else if (kind === "finish") await journal.finish(aResult(n));
      else await journal.forget(idOf(n));
    };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const path = newPath();
        const model = new MemoryJournal();
        let journal = await FileJournal.open(path);
        for (const { kind, n } of steps) {
          if (kind === "reopen") {
            await journal[Symbol.asyncDispose]();
            journal = await FileJournal.open(path);
          } else {
            await Promise.all([act(model, kind, n), act(journal, kind, n)]);
          }
          expect(journal.entries()).toStrictEqual(model.entries());
        }
        await journal[Symbol.asyncDispose]();
      }),
      { numRuns: 25 },
    );
  });
});
