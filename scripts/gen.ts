/**
 * Generates proto/gen from the .proto files of ours and of etcd. `--check` generates into a scratch directory and fails when
 * the committed code differs, so that nobody edits it by hand.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

const root = join(import.meta.dirname, "..");
const protoDirectory = join(root, "proto");
const pathWithTools = `${join(root, "node_modules/.bin")}:${process.env["PATH"] ?? ""}`;

function buf(args: readonly string[], cwd: string): void {
  execFileSync("buf", args, {
    cwd,
    stdio: "inherit",
    env: { ...process.env, PATH: pathWithTools },
  });
}

function filesUnder(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .toSorted();
}

function differences(left: string, right: string): string[] {
  const names = new Set([...filesUnder(left), ...filesUnder(right)]);
  const read = (directory: string, name: string): string | undefined =>
    filesUnder(directory).includes(name) ? readFileSync(join(directory, name), "utf8") : undefined;
  return [...names].filter((name) => read(left, name) !== read(right, name));
}

function generateInto(directory: string): void {
  rmSync(join(directory, "gen"), { recursive: true, force: true });
  buf(
    [
      ...["generate", "--template", "buf.gen.yaml", "-o", directory],
      ...["--path", "muster", "--path", "etcd"],
    ],
    protoDirectory,
  );
}

if (process.argv.includes("--check")) {
  buf(["lint"], protoDirectory);
  const scratch = mkdtempSync(join(tmpdir(), "muster-gen-"));
  try {
    generateInto(scratch);
    const stale = differences(join(scratch, "gen"), join(protoDirectory, "gen"));
    if (stale.length > 0) {
      console.error(`generated code is stale, run "npm run gen": ${stale.join(", ")}`);
      process.exitCode = 1;
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
} else {
  const scratch = mkdtempSync(join(tmpdir(), "muster-gen-"));
  try {
    generateInto(scratch);
    rmSync(join(protoDirectory, "gen"), { recursive: true, force: true });
    cpSync(join(scratch, "gen"), join(protoDirectory, "gen"), { recursive: true });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
