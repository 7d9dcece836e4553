/** scripts/setup.sh, in a copy of the checkout's outside: what it says and does when something is missing. */
import { copyFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run, type CommandResult } from "./command.ts";

const root = join(import.meta.dirname, "../..");

describe("scripts/setup.sh", () => {
  let copy: string;

  beforeAll(async () => {
    copy = await mkdtemp("/tmp/muster-setup-test-");
    await cp(join(root, "scripts"), join(copy, "scripts"), { recursive: true });
    for (const file of ["package.json", "package-lock.json"])
      await copyFile(join(root, file), join(copy, file));
    await mkdir(join(copy, "node_modules"));
    await copyFile(
      join(root, "node_modules/.package-lock.json"),
      join(copy, "node_modules/.package-lock.json"),
    );
    await run(["chown", "-R", "65534:65534", copy]);
  });
  afterAll(() => rm(copy, { recursive: true, force: true }));

  async function setUpAsNobody(env: Record<string, string> = {}): Promise<CommandResult> {
    const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    return run([...nobody, "sh", join(copy, "scripts/setup.sh")], { env });
  }

  it("is silent when nothing is missing", async () => {
    expect(await setUpAsNobody()).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    expect(existsSync(join(copy, "node_modules/.muster-setup"))).toBe(true);
  });

  it("says what will not run when packages are missing and it is not root, and goes on", async () => {
    const list = join(copy, "scripts/debian-packages.txt");
    await writeFile(list, `${await readFile(list, "utf8")}no-such-package  nothing\n`);
    const { exitCode, stderr } = await setUpAsNobody();
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(
      /WARNING: not root, so these Debian packages stay missing: no-such-package\n/,
    );
    expect(stderr).toContain("will not run: npm run lab");
    expect(await setUpAsNobody({ MUSTER_SETUP_SYSTEM: "no" })).toMatchObject({ stderr: "" });
  });

  it("gives every package a reason", async () => {
    const lines = (await readFile(join(root, "scripts/debian-packages.txt"), "utf8")).split("\n");
    const packages = lines.filter((line) => line !== "" && !line.startsWith("#"));
    expect(packages.length).toBeGreaterThan(20);
    expect(packages.filter((line) => !/^[a-z0-9][a-z0-9.+-]+ {2,}\w/.test(line))).toEqual([]);
  });
});
