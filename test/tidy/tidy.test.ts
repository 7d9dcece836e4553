/**
 * Style that a machine can check: who imports whom, what may not be written, how long files get, what is dead,
 * what is stale. Each refusal names what to do instead.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join, matchesGlob } from "node:path";
import { describe, expect, it } from "vitest";
import vitestConfig from "../../vitest.config.ts";
import { bans, textBans } from "./bans.ts";
import {
  declaredDependencies,
  entryPoints,
  licenceAllowed,
  licenceOf,
  lockedPackages,
} from "./dependencies.ts";
import { findCycles } from "./cycles.ts";
import { importTable } from "./import-table.ts";
import {
  allFiles,
  isGenerated,
  isShipped,
  isTest,
  loadSources,
  root,
  type SourceFile,
} from "./sources.ts";

const files = allFiles();
const sources = loadSources();
const packageDirectories = readdirSync(join(root, "packages")).map((name) => `packages/${name}`);
/** The checks name what they forbid. */
const isTidy = (path: string): boolean => path.startsWith("test/tidy/");
const FILE_LINES_MAX = 400;
const FUNCTION_LINES_MAX = 70;

const testGlobs: readonly string[] = (vitestConfig.test?.projects ?? []).flatMap((project) =>
  typeof project === "object" && "test" in project ? (project.test?.include ?? []) : [],
);

/** "packages/agent" of "packages/agent/src/main.ts". */
const packageOf = (path: string): string => path.split("/").slice(0, 2).join("/");

const lineOf = (text: string, index: number): number => text.slice(0, index).split("\n").length;

function matches(pattern: RegExp, text: string): number[] {
  const flags = pattern.flags.includes("g") ? pattern.flags : `${pattern.flags}g`;
  return [...text.matchAll(new RegExp(pattern.source, flags))].map((match) => match.index);
}

describe("imports", () => {
  function complaints(file: SourceFile): string[] {
    const rule = importTable.find(({ from }) => from.test(file.path));
    if (rule === undefined) return [`${file.path}: no rule of the import table covers it`];
    return file.imports.flatMap(({ target, specifier, typeOnly }) => {
      const at = `${file.path} imports ${specifier}`;
      // Its own version is written there.
      if (target === `${packageOf(file.path)}/package.json`) return [];
      if (!rule.may.some((allowed) => allowed.test(target)))
        return [`${at}: not in the import table`];
      const forbidden = rule.never?.find(([pattern]) => pattern.test(target));
      if (forbidden !== undefined) return [`${at}: ${forbidden[1]}`];
      const asTypes = rule.typesOnly?.some((pattern) => pattern.test(target)) ?? false;
      return asTypes && !typeOnly ? [`${at}: only "import type" is allowed here`] : [];
    });
  }

  it("follow the table", () => {
    const shipped = sources.filter(({ path }) => isShipped(path));
    expect(shipped.flatMap(complaints)).toStrictEqual([]);
  });

  it("go through a package's front door", () => {
    const deep = sources
      .filter(({ path }) => path.startsWith("packages/"))
      .flatMap(({ path, imports }) =>
        imports
          .filter(
            ({ target }) =>
              /^packages\//.test(target) && target.split("/")[1] !== path.split("/")[1],
          )
          .map(({ specifier }) => `${path} imports ${specifier}: use the package's name`),
      );
    expect(deep).toStrictEqual([]);
  });

  it("of other packages are declared", () => {
    const undeclared = sources
      .filter(({ path }) => isShipped(path))
      .flatMap(({ path, imports }) => {
        const declared = declaredDependencies(packageOf(path));
        return imports
          .filter(({ specifier }) => !specifier.startsWith(".") && !specifier.startsWith("node:"))
          .map(({ specifier }) =>
            specifier
              .split("/")
              .slice(0, specifier.startsWith("@") ? 2 : 1)
              .join("/"),
          )
          .filter((name) => !declared.has(name))
          .map((name) => `${path} imports ${name}: add it to the package's dependencies`);
      });
    expect(undeclared).toStrictEqual([]);
  });

  it("name the file with its .ts", () => {
    const wrong = sources.flatMap(({ path, imports }) =>
      imports
        .filter(({ specifier }) => specifier.startsWith(".") && !/\.(ts|json)$/.test(specifier))
        .map(({ specifier }) => `${path} imports ${specifier}`),
    );
    expect(wrong).toStrictEqual([]);
  });

  it("leave the programs alone", () => {
    const programs = /^packages\/[^/]+\/src\/(main|agent|coordinator)\.ts$/;
    // Types are words; what composes a program may also make it.
    const callers =
      /\/(main|index|agent|coordinator)\.ts$|\/daemon\/|\/roles\/member\.ts$|^bench\//;
    const wrong = sources
      .filter(({ path }) => !isTest(path) && !callers.test(path))
      .flatMap(({ path, imports }) =>
        imports
          .filter(({ target, typeOnly }) => programs.test(target) && !typeOnly)
          .map(
            ({ specifier }) => `${path} imports ${specifier}: take what you need as an argument`,
          ),
      );
    expect(wrong).toStrictEqual([]);
  });

  it("have no cycles", () => {
    const links = new Map(
      sources.map(({ path, imports }) => [
        path,
        imports.filter(({ typeOnly }) => !typeOnly).map(({ target }) => target),
      ]),
    );
    expect(findCycles(links)).toStrictEqual([]);
  });
});

describe("bans", () => {
  it.each(bans)("$name: use $use", ({ pattern, within, alsoInComments = false, use }) => {
    const found = sources
      .filter(({ path }) => !isTidy(path) && within(path))
      .flatMap(({ path, text, code }) => {
        const searched = alsoInComments ? text : code;
        return matches(pattern, searched).map(
          (index) => `${path}:${String(lineOf(text, index))} use ${use}`,
        );
      });
    expect(found).toStrictEqual([]);
  });

  const textFiles = files.filter(
    (path) =>
      /\.(ts|sh|md|ya?ml|json|proto|txt|service|conf|mjs|expect)$/.test(path) && !isTidy(path),
  );
  it.each(textBans)("$name: use $use", ({ pattern, use }) => {
    const found = textFiles.flatMap((path) => {
      const text = readFileSync(join(root, path), "utf8");
      return matches(pattern, text).map(
        (index) => `${path}:${String(lineOf(text, index))} use ${use}`,
      );
    });
    expect(found).toStrictEqual([]);
  });
});

describe("each ban", () => {
  it.each([...bans, ...textBans])("$name forbids $example", ({ pattern, example }) => {
    expect(example).toMatch(pattern);
  });
});

describe("files", () => {
  it(`have at most ${String(FILE_LINES_MAX)} lines`, () => {
    const lengths = sources
      .map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }))
      .toSorted((left, right) => right.lines - left.lines);
    const longest = lengths
      .slice(0, 5)
      .map(({ path, lines }) => `${String(lines).padStart(5)} ${path}`);
    console.info(`longest files:\n${longest.join("\n")}`);
    const over = lengths.filter(({ lines }) => lines > FILE_LINES_MAX);
    expect(over.map(({ path, lines }) => `${path} has ${String(lines)}: split it`)).toStrictEqual(
      [],
    );
  });

  it(`have functions of at most ${String(FUNCTION_LINES_MAX)} lines`, () => {
    const over = sources
      .filter(({ path }) => !path.endsWith(".test.ts"))
      .flatMap(({ path, functions }) =>
        functions
          .filter(({ lines }) => lines > FUNCTION_LINES_MAX)
          .map(({ name, lines }) => `${path}: ${name} has ${String(lines)} lines: split it`),
      );
    expect(over).toStrictEqual([]);
  });

  it("have names that say something, in kebab-case", () => {
    const vague = /^(utils?|helpers?|common|misc|types|shared|lib)\.ts$/;
    const kebab = /^[a-z0-9]+([.-][a-z0-9]+)*\.ts$/;
    const wrong = sources
      .map(({ path }) => path)
      .filter((path) => vague.test(basename(path)) || !kebab.test(basename(path)));
    expect(wrong).toStrictEqual([]);
  });

  it("are used", () => {
    const imported = new Set(sources.flatMap(({ imports }) => imports.map(({ target }) => target)));
    const entries = new Set(packageDirectories.flatMap(entryPoints));
    const dead = sources
      .map(({ path }) => path)
      .filter((path) => /^packages\/[^/]+\/src\//.test(path))
      .filter((path) => !/\.test\.ts$/.test(path) && !/\/main\.ts$/.test(path))
      .filter((path) => !imported.has(path) && !entries.has(path));
    expect(dead.map((path) => `${path}: nobody imports it; remove it or use it`)).toStrictEqual([]);
  });

  it("of tests are found by a project of vitest", () => {
    const lost = sources
      .map(({ path }) => path)
      .filter((path) => path.endsWith(".test.ts"))
      .filter((path) => !testGlobs.some((glob) => matchesGlob(path, glob)));
    expect(lost.map((path) => `${path}: add it to vitest.config.ts`)).toStrictEqual([]);
  });
});

describe("the wire contract", () => {
  const bin = join(root, "node_modules/.bin");
  const env = { ...process.env, PATH: `${bin}:${process.env["PATH"] ?? ""}` };

  it("is what its generated code was made from", { timeout: 120_000 }, () => {
    execFileSync("node", ["scripts/gen.ts", "--check"], { cwd: root, env, stdio: "pipe" });
  });

  it("breaks nobody who speaks proto/baseline.binpb", { timeout: 120_000 }, () => {
    execFileSync("buf", ["breaking", "proto", "--against", "proto/baseline.binpb"], {
      cwd: root,
      env,
      stdio: "pipe",
    });
  });

  it("keeps generated code out of people's hands", () => {
    const unmarked = files
      .filter((path) => isGenerated(path) && path.endsWith(".ts"))
      .filter((path) => !/generated/i.test(readFileSync(join(root, path), "utf8").slice(0, 600)));
    expect(unmarked).toStrictEqual([]);
  });
});

describe("dependencies", () => {
  const packages = [...lockedPackages()].filter(([path]) => path.startsWith("node_modules/"));

  it("do not say where they were fetched from", () => {
    const fetched = packages.filter(
      ([, { resolved, link }]) => resolved !== undefined && link !== true,
    );
    expect(fetched.map(([path, { resolved }]) => `${path}: ${resolved ?? ""}`)).toStrictEqual([]);
  });

  it("have licences that go with Apache-2.0", () => {
    const wrong = packages
      .filter(([, { link }]) => link !== true)
      .map(([path, locked]) => ({
        path,
        licence: licenceOf(path, locked),
        shipped: locked.dev !== true,
      }))
      .filter(({ licence, shipped }) => !licenceAllowed(licence, { shipped }));
    expect(wrong.map(({ path, licence }) => `${path}: ${licence}`)).toStrictEqual([]);
  });

  it.each([
    ["MIT", true],
    ["(MIT OR GPL-3.0)", true],
    ["MIT AND Zlib", true],
    ["MIT AND GPL-3.0", false],
    ["MPL-2.0", false],
    ["unknown", false],
  ])("a shipped package under %s: %s", (licence, allowed) => {
    expect(licenceAllowed(licence, { shipped: true })).toBe(allowed);
  });
});
