import { readFile } from "node:fs/promises";
import { errorCodes, type ErrorCode } from "@muster/model";
import { expect, it } from "vitest";
import { exitCodeOf, exitCodes } from "./exit-codes.ts";
import { VERSION } from "./version.ts";

const read = (path: string): Promise<string> => readFile(new URL(path, import.meta.url), "utf8");

it("the table for people says the same as the table for the program", async () => {
  const rows = (await read("../docs/exit-codes.md"))
    .split("\n")
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .filter((cells) => /^\d+$/.test(cells[1] ?? ""));
  const codes = Object.keys(errorCodes) as readonly ErrorCode[];
  const expected = Object.entries(exitCodes).map(([name, exitCode]) => [
    String(exitCode),
    name,
    codes.filter((code) => exitCodeOf(code) === exitCode).toSorted(),
  ]);
  const written = rows.map(([, exitCode, name, , errors]) => [
    exitCode,
    name,
    [...(errors ?? "").matchAll(/`([a-z-]+)`/g)].map((match) => match[1]).toSorted(),
  ]);
  expect(written).toEqual(expected);
});

it("the version is the package's", async () => {
  expect(await read("../package.json")).toContain(`"version": "${VERSION}"`);
});
