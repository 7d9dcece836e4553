/** deploy/install.sh, into a directory. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { programs } from "../../scripts/build.ts";
import { ask, root } from "./tools.ts";

const installer = join(root, "deploy/install.sh");
const target = mkdtempSync(join(tmpdir(), "muster-install-"));
const built = [...Object.values(programs), "THIRD-PARTY-LICENCES.txt"].map((name) =>
  join(root, "dist", name),
);
const made: string[] = [];

beforeAll(() => {
  // The installer only copies; what was not built is stood in for.
  mkdirSync(join(root, "dist"), { recursive: true });
  for (const path of built.filter((candidate) => !existsSync(candidate))) {
    writeFileSync(path, "console.log('not built');\n");
    made.push(path);
  }
});

afterAll(() => {
  rmSync(target, { recursive: true, force: true });
  for (const path of made) rmSync(path, { force: true });
});

const install = (...args: readonly string[]): ReturnType<typeof ask> =>
  ask("sh", [installer, ...args, "--node", process.execPath]);

describe("deploy/install.sh", () => {
  it("changes nothing in a dry run", () => {
    const { exitCode, text } = install("agent", "--root", target, "--dry-run");
    expect(exitCode, text).toBe(0);
    expect(text).toContain("/usr/lib/systemd/system/muster-agent.service");
    expect(existsSync(join(target, "usr"))).toBe(false);
  });

  it("installs programs, units and configuration, and keeps what people changed", () => {
    expect(install("agent", "coordinator", "cli", "--root", target).exitCode).toBe(0);
    const files = [
      "usr/lib/muster/node",
      "usr/lib/muster/muster-agent.mjs",
      "usr/lib/muster/muster-coordinator.mjs",
      "usr/lib/muster/muster.mjs",
      "usr/bin/muster",
      "usr/bin/muster-agent",
      "usr/lib/systemd/system/muster-coordinator.service",
      "usr/lib/sysusers.d/muster.conf",
      "etc/muster/agent.yaml",
    ];
    expect(files.filter((path) => !existsSync(join(target, path)))).toStrictEqual([]);
    expect(statSync(join(target, "etc/muster/agent.yaml")).mode & 0o777).toBe(0o640);

    const configuration = join(target, "etc/muster/agent.yaml");
    writeFileSync(configuration, "log-level: debug\n");
    const again = install("agent", "--root", target);
    expect(again.text).toContain(`kept ${configuration}`);
    expect(readFileSync(configuration, "utf8")).toBe("log-level: debug\n");
  });

  it("installs where the units look", () => {
    const unit = readFileSync(join(root, "deploy/systemd/muster-agent.service"), "utf8");
    const words = /^ExecStart=(\S+) (?:--\S+ )*(\S+)/m.exec(unit)?.slice(1) ?? [];
    expect(words).toHaveLength(2);
    for (const path of words) expect(existsSync(join(target, path))).toBe(true);
  });

  it.each([
    [["--root", target], "say what to install"],
    [["kernel"], "unknown argument kernel"],
  ])("refuses %j", (args, words) => {
    const { exitCode, text } = install(...args);
    expect(exitCode).toBe(2);
    expect(text).toContain(words);
  });
});
