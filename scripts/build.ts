/**
 * Makes each program one file: dist/muster-agent.mjs, dist/muster-coordinator.mjs and dist/muster.mjs. A host then
 * needs Node and that file, nothing from a registry. Beside them: the licences of what is inside.
 *
 * `node scripts/build.ts [agent|coordinator|cli]...`; without names, all.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join, relative } from "node:path";
import { build, type Metafile, type Plugin } from "esbuild";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");

export const programs = {
  agent: "muster-agent.mjs",
  coordinator: "muster-coordinator.mjs",
  cli: "muster.mjs",
} as const;

export type Program = keyof typeof programs;

const isProgram = (name: string): name is Program => Object.hasOwn(programs, name);

/** CommonJS packages expect these three; an ES module has to make them itself. */
const commonJsWords = [
  'const require = process.getBuiltinModule("node:module").createRequire(import.meta.url);',
  "const __filename = import.meta.filename;",
  "const __dirname = import.meta.dirname;",
].join("\n");

/**
 * Takes Node's own modules without `import`: an import reads every name a module exports, and for node:http that
 * alone loads Node's whole fetch, 16 MB of the agent's memory.
 */
const builtinsWithoutImport: Plugin = {
  name: "builtins-without-import",
  setup(build) {
    build.onResolve({ filter: /^(node:)?[a-z]/ }, ({ path, kind }) => {
      if (kind !== "import-statement" || !isBuiltin(path)) return undefined;
      return { path: path.startsWith("node:") ? path : `node:${path}`, namespace: "builtin" };
    });
    build.onLoad({ filter: /./, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};

/**
 * Escapes what esbuild leaves in regular expressions. V8 keeps a source with a single character beyond Latin-1's
 * plain part as two bytes a character, which doubles what the program itself takes.
 */
function onlyAscii(code: string): string {
  return code.replaceAll(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

export interface Built {
  readonly program: Program;
  readonly path: string;
  readonly bytes: number;
  readonly metafile: Metafile;
}

async function buildOne(program: Program, directory: string): Promise<Built> {
  const entry = join(root, "packages", program, "src/main.ts");
  const path = join(directory, programs[program]);
  const hasInterpreter = readFileSync(entry, "utf8").startsWith("#!");
  const result = await build({
    entryPoints: [entry],
    outfile: path,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node26",
    // Names stay: stack traces in logs have to be readable without source maps.
    minifyWhitespace: true,
    minifySyntax: true,
    plugins: [builtinsWithoutImport],
    write: false,
    legalComments: "none",
    banner: { js: hasInterpreter ? commonJsWords : `#!/usr/bin/env node\n${commonJsWords}` },
    metafile: true,
    absWorkingDir: root,
    logLevel: "warning",
  });
  const code = onlyAscii(result.outputFiles.map(({ text }) => text).join(""));
  writeFileSync(path, code, { mode: 0o755 });
  return { program, path, bytes: code.length, metafile: result.metafile };
}

/** Directories of the npm packages that went into a bundle, from the root. */
function packagesIn(metafile: Metafile): string[] {
  const directories = Object.keys(metafile.inputs).flatMap((input) => {
    const match = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input);
    return match === null ? [] : [match[0]];
  });
  return [...new Set(directories)].toSorted();
}

function licenceText(directory: string): string {
  const manifest: unknown = JSON.parse(readFileSync(join(root, directory, "package.json"), "utf8"));
  const field = (name: string): string => {
    const value: unknown =
      typeof manifest === "object" && manifest !== null ? Reflect.get(manifest, name) : undefined;
    return typeof value === "string" ? value : "unknown";
  };
  const texts = readdirSync(join(root, directory))
    .filter((name) => /^(licen[cs]e|notice|copying)/i.test(name))
    .toSorted()
    .map((name) => readFileSync(join(root, directory, name), "utf8").trim());
  const heading = `${field("name")} ${field("version")} (${field("license")})`;
  return [heading, "-".repeat(heading.length), ...texts].join("\n");
}

function writeLicences(built: readonly Built[], directory: string): string {
  const directories = new Set(built.flatMap(({ metafile }) => packagesIn(metafile)));
  const path = join(directory, "THIRD-PARTY-LICENCES.txt");
  const intro = "muster contains the following packages, each under its own licence.";
  const texts = [...directories].toSorted().map(licenceText);
  writeFileSync(path, `${[intro, ...texts].join("\n\n")}\n`);
  return path;
}

/** Builds the named programs into a directory, dist/ unless given. Throws when one does not compile. */
export async function buildPrograms(
  names: readonly Program[] = Object.keys(programs).filter(isProgram),
  directory: string = dist,
): Promise<readonly Built[]> {
  mkdirSync(directory, { recursive: true });
  const built = await Promise.all(names.map((name) => buildOne(name, directory)));
  writeLicences(built, directory);
  return built;
}

if (import.meta.main) {
  const names = process.argv.slice(2);
  const unknown = names.filter((name) => !isProgram(name));
  if (unknown.length > 0) {
    console.error(
      `no program ${unknown.join(", ")}; there are ${Object.keys(programs).join(", ")}`,
    );
    process.exit(2);
  }
  try {
    const built = await buildPrograms(names.length === 0 ? undefined : names.filter(isProgram));
    for (const { path, bytes } of built) {
      const size = (bytes / 1024).toFixed(0);
      console.log(`${relative(root, path).padEnd(30)} ${size.padStart(6)} KiB`);
    }
  } catch (error) {
    // esbuild has already shown where.
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
