/** Each program is one file that starts by itself. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { builtinModules } from "node:module";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildPrograms, programs, type Built } from "../../scripts/build.ts";

/** systeminformation looks for them on a Mac, and does without them. */
const neverOnLinux = new Set(["osx-temperature-sensor", "macos-temperature-sensor"]);
const scratch = mkdtempSync(join(tmpdir(), "muster-build-"));
const built = new Map<string, Built>();

beforeAll(async () => {
  for (const made of await buildPrograms()) built.set(made.program, made);
}, 120_000);

afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

describe.each(Object.keys(programs))("the %s", (program) => {
  const bundle = (): Built => {
    const made = built.get(program);
    if (made === undefined) throw new Error(`${program} was not built`);
    return made;
  };

  it("needs nothing but Node", () => {
    const outside = Object.values(bundle().metafile.outputs)
      .flatMap(({ imports }) => imports)
      .map(({ path }) => path)
      .filter((path) => !neverOnLinux.has(path))
      .filter((path) => !path.startsWith("node:") && !builtinModules.includes(path));
    expect(outside).toStrictEqual([]);
  });

  it("runs away from its checkout", () => {
    const copy = join(scratch, basename(bundle().path));
    cpSync(bundle().path, copy);
    const text = execFileSync(process.execPath, [copy, "version"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      cwd: scratch,
    });
    expect(text).toMatch(/\d+\.\d+\.\d+/);
  });
});

describe("the licences", () => {
  it("of what is inside lie beside the programs", () => {
    const directory = join(import.meta.dirname, "../../dist");
    const text = readFileSync(join(directory, "THIRD-PARTY-LICENCES.txt"), "utf8");
    expect(text).toMatch(/^@grpc\/grpc-js \d.* \(Apache-2\.0\)$/m);
    expect(text).toMatch(/^pino \d.* \(MIT\)$/m);
    expect(text).not.toContain("unknown");
  });
});
