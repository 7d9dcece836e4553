/**
 * Makes the package as it is published, in dist/: JavaScript for Node 20 and type declarations, no TypeScript sources.
 *
 *     node scripts/build.ts [DIRECTORY]   then   npm publish dist
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

const home = join(import.meta.dirname, "..");
const out = process.argv[2] ?? join(home, "dist");

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ["lib.es2024.d.ts", "lib.esnext.disposable.d.ts"],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: ["node"],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  rewriteRelativeImportExtensions: true,
  declaration: true,
  rootDir: join(home, "src"),
  outDir: out,
  skipLibCheck: true,
};

function compile(): void {
  const entries = [join(home, "src/index.ts"), join(home, "src/testing/index.ts")];
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
compile();
fixDeclarations();
writeManifest();
for (const file of ["README.md", "CHANGELOG.md", "LICENSE"])
  cpSync(join(home, file), join(out, file));
console.log(`the package is in ${out}`);
