/**
 * Makes the package as it is published, in dist/: type declarations and, for each entry, one file of JavaScript for
 * Node 20. Seventy small modules would cost whoever loads them ten megabytes and as many milliseconds.
 *
 *     node scripts/build.ts [DIRECTORY]   then   npm publish dist
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { buildSync } from "esbuild";
import ts from "typescript";

const home = join(import.meta.dirname, "..");
const out = resolve(process.argv[2] ?? join(home, "dist"));
const entries = ["index", "testing/index"].map((entry) => join(home, `src/${entry}.ts`));

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ["lib.es2024.d.ts", "lib.esnext.disposable.d.ts"],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: ["node"],
  typeRoots: [join(home, "../../node_modules/@types")],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  rewriteRelativeImportExtensions: true,
  declaration: true,
  emitDeclarationOnly: true,
  rootDir: join(home, "src"),
  outDir: out,
  skipLibCheck: true,
};

/** Throws with the compiler's complaints. */
function declare(): void {
  const program = ts.createProgram(entries, options);
  const problems = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics];
  if (problems.length === 0) return;
  throw new Error(
    ts.formatDiagnostics(problems, {
      getCanonicalFileName: (name) => name,
      getCurrentDirectory: () => home,
      getNewLine: () => "\n",
    }),
  );
}

function bundle(): void {
  buildSync({
    entryPoints: entries,
    outbase: join(home, "src"),
    outdir: out,
    bundle: true,
    platform: "node",
    target: "node20.17",
    format: "esm",
    // Names and lines are kept for stack traces; what goes is comments and blanks, a third of what a process would load.
    minifyWhitespace: true,
    lineLimit: 120,
  });
}

/** Declarations keep the `.ts` of their imports, which only a compiler that emits nothing would accept. */
function fixDeclarations(): void {
  for (const file of readdirSync(out, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".d.ts")) continue;
    const path = join(out, file);
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replaceAll(/(["']\.{1,2}\/[^"']+)\.ts(["'])/g, "$1.js$2"));
  }
}

interface Manifest {
  readonly scripts?: unknown;
  readonly private?: unknown;
  readonly exports?: unknown;
}

function writeManifest(): void {
  const source = JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as Manifest;
  const { scripts: _scripts, private: _private, exports: _exports, ...kept } = source;
  const entry = (path: string) => ({ types: `${path}.d.ts`, default: `${path}.js` });
  const exports = { ".": entry("./index"), "./testing": entry("./testing/index") };
  writeFileSync(join(out, "package.json"), `${JSON.stringify({ ...kept, exports }, null, 2)}\n`);
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
declare();
fixDeclarations();
bundle();
writeManifest();
for (const file of ["README.md", "CHANGELOG.md", "LICENSE", "docs"])
  cpSync(join(home, file), join(out, file), { recursive: true });
console.log(`the package is in ${out}`);
