/** The shell itself says what it reads. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { hostileText } from "../testing/contexts.ts";
import { printBytes, quoteShell, renderAssignments } from "./shell.ts";

const directory = mkdtempSync(join(tmpdir(), "muster-shell-"));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

function run(script: string): Buffer {
  const ran = spawnSync("sh", ["-eu"], { input: script, cwd: directory, env: {} });
  expect(ran.stderr.toString("utf8")).toBe("");
  return ran.stdout;
}

/** Many texts to a shell: starting one takes longer than what is asked of it. */
const texts = fc.array(hostileText, { minLength: 20, maxLength: 40 });
const runs = { numRuns: 40 };

it("reads context.sh as it was meant", () => {
  fc.assert(
    fc.property(texts, (values) => {
      const named = Object.fromEntries(values.map((each, index) => [`V${String(index)}`, each]));
      writeFileSync(join(directory, "context.sh"), renderAssignments(named));
      const names = Object.keys(named).map((name) => `"$${name}"`);
      const printed = run(`. ./context.sh; printf '%s\\0' ${names.join(" ")}`).toString("utf8");
      expect(printed.split("\0").slice(0, -1)).toStrictEqual(values);
      expect(readdirSync(directory)).toStrictEqual(["context.sh"]);
    }),
    runs,
  );
});

it("takes a quoted word as one word", () => {
  fc.assert(
    fc.property(texts, (words) => {
      const printed = run(`printf '%s\\0' ${words.map(quoteShell).join(" ")}`).toString("utf8");
      expect(printed.split("\0").slice(0, -1)).toStrictEqual(words);
      expect(readdirSync(directory)).toStrictEqual(["context.sh"]);
    }),
    runs,
  );
});

it("prints any bytes with nothing but printf", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4_000 }), (bytes) => {
      expect(run(`:\n${printBytes(bytes).join("\n")}\n`).equals(Buffer.from(bytes))).toBe(true);
    }),
    runs,
  );
});
