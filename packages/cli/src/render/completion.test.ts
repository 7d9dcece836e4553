/** Goal: a real bash completes commands, flags and names. */
import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { muster } from "../testing/in-process.ts";

const run = promisify(execFile);

let directory = "";

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "muster-cli-completion-"));
  const { exitCode, stdout } = await muster(["completion", "bash"]);
  expect(exitCode).toBe(0);
  await writeFile(join(directory, "completion"), stdout);
  // What the script calls to learn the names of things.
  await writeFile(join(directory, "muster"), '#!/bin/sh\necho "name-of-$1"\n');
  await chmod(join(directory, "muster"), 0o755);
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

async function complete(...words: readonly string[]): Promise<readonly string[]> {
  const line = words.map((word) => `'${word}'`).join(" ");
  const script = `
    PATH=${directory}:$PATH
    . ${join(directory, "completion")}
    COMP_WORDS=(muster ${line}); COMP_CWORD=${String(words.length)}
    _muster
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await run("bash", ["--norc", "-c", script]);
  return stdout.split("\n").filter((word) => word !== "");
}

it.each([
  [["net"], ["network"]],
  [["vm", "mig"], ["migrate"]],
  [["vm", "migrate", "--band"], ["--bandwidth"]],
  [["vm", "migrate", ""], "name-of-vm"],
  [["-o", "json", "host", "cordon", "name"], ["name-of-host"]],
  [["vm", "stop", "--grace", "30s", "name"], ["name-of-vm"]],
  [["op", "watch", "name"], ["name-of-op"]],
  [["vm", "ls", "-o", "y"], ["yaml"]],
  [["vm", "create", "--memory", ""], []],
])("%j", async (words, expected) => {
  const found = await complete(...words);
  if (typeof expected === "string") expect(found).toContain(expected);
  else expect(found).toEqual(expected);
});
