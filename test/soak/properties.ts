/** Properties over cases that no test run has drawn yet, round after round. */
import { spawn } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface PropertySoak {
  /** Of the first round; each round takes the next. */
  readonly seed: number;
  readonly durationMs: number;
  readonly print: (line: string) => void;
}

const root = join(import.meta.dirname, "../..");

function propertyFiles(): readonly string[] {
  const all = globSync("{packages,test,bench,scripts}/**/*.test.ts", {
    cwd: root,
    exclude: (path) => path.includes("node_modules") || path.endsWith(".live.test.ts"),
  });
  const draws = (path: string): boolean =>
    /\bfc\.assert\b/.test(readFileSync(join(root, path), "utf8"));
  return all.filter(draws);
}

function round(files: readonly string[], seed: number): Promise<boolean> {
  const projects = ["--project=unit", "--project=simulation"];
  const child = spawn("vitest", ["run", ...projects, "--reporter=dot", ...files], {
    cwd: root,
    env: {
      ...process.env,
      PATH: `${join(root, "node_modules/.bin")}:${process.env["PATH"] ?? ""}`,
      MUSTER_PROPERTY_SEED: String(seed),
    },
    stdio: ["ignore", "inherit", "inherit"],
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => {
      resolve(code === 0);
    });
  });
}

/** Ends at the first round that fails, naming its seed. @returns whether every round passed */
export async function soakProperties({ seed, durationMs, print }: PropertySoak): Promise<boolean> {
  const files = propertyFiles();
  const endMs = performance.now() + durationMs;
  let current = seed;
  do {
    print(`properties of ${String(files.length)} files, seed ${String(current)}`);
    if (!(await round(files, current))) {
      print(`seed ${String(current)} fails: MUSTER_PROPERTY_SEED=${String(current)} npm test`);
      return false;
    }
    current += 1;
  } while (performance.now() < endMs);
  print(`${String(current - seed)} rounds passed`);
  return true;
}
