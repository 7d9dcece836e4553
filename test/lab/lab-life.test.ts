/** A lab comes and goes: where it may be, what is left of it after commands that were killed. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Lab, waitFor } from "./lab.ts";
import { LabPaths } from "./lab-paths.ts";
import { leftovers, namespacesOf } from "./leftovers.ts";

describe("a directory that is not a lab's", () => {
  it("is refused by up and by down, and kept", async () => {
    const foreign = await mkdtemp("/tmp/muster-no-lab-");
    await writeFile(join(foreign, "letter"), "mine");
    await expect(Lab.up({ hosts: 1, directory: foreign })).rejects.toThrow(
      /not a lab's directory: letter is in it/,
    );
    await expect(Lab.down({ directory: foreign })).rejects.toThrow(/not a lab's directory/);
    expect(readFileSync(join(foreign, "letter"), "utf8")).toBe("mine");
    await rm(foreign, { recursive: true });
  });

  it("is refused when its sockets would have too long names", async () => {
    const directory = `/tmp/${"x".repeat(80)}`;
    await expect(Lab.up({ hosts: 1, directory })).rejects.toThrow(/10 bytes too long/);
  });
});

describe("a lab whose up was killed half way", () => {
  const place = { directory: "/tmp/muster-lab-killed" };
  const paths = new LabPaths(place.directory);
  // Moments of an up, by the file that marks them.
  const moments: readonly (readonly [string, string])[] = [
    ["at the first file", paths.description],
    ["with a fabric", paths.record("fabric")],
    ["with a host that boots", paths.record("h1")],
    ["with a host that waits for its network", join(paths.machine("h2"), "run/lab-files-ready")],
  ];

  async function killUpAt(file: string): Promise<void> {
    const script = join(import.meta.dirname, "main.ts");
    const up = spawn(process.execPath, [script, "--dir", place.directory, "up", "2"], {
      stdio: "ignore",
    });
    await waitFor(file, () => existsSync(file), { timeoutMs: 60_000, everyMs: 1 });
    up.kill("SIGKILL");
    await once(up, "exit");
  }

  it.each(moments)("killed %s, leaves nothing after down", async (_moment, file) => {
    await killUpAt(file);
    const namespaces = namespacesOf(place.directory);
    await Lab.down(place);
    expect(leftovers(place.directory, namespaces)).toEqual([]);
  });

  it("is completed by another up", async () => {
    await killUpAt(paths.record("h2"));
    {
      await using lab = await Lab.up({ ...place, hosts: 2 });
      await lab.control.exec(["ping", "-c", "1", "-W", "2", "h1"]);
      expect(await lab.virsh("h2", ["list", "--all", "--name"])).toBe("");
    }
    expect(leftovers(place.directory, new Set())).toEqual([]);
  });
});
