/** Runs projects of vitest and counts their tests. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { failuresIn } from "./failures.ts";
import { nothing, type Outcome } from "./outcome.ts";
import { root, runLoudly } from "./process.ts";

/** Counts in vitest's JSON report; a file that could not even be loaded has no tests to count. */
export function countReport(text: string): Outcome {
  const report: unknown = JSON.parse(text);
  const count = (name: string): number => {
    const value: unknown =
      typeof report === "object" && report !== null ? Reflect.get(report, name) : undefined;
    return typeof value === "number" ? value : 0;
  };
  return {
    passed: count("numPassedTests"),
    failed: count("numFailedTests"),
    skipped: count("numPendingTests") + count("numTodoTests"),
    failures: failuresIn(report, root),
  };
}

/** A run that ends badly without a failed test failed all the same. */
export function judge(counted: Outcome, exitCode: number): Outcome {
  if (exitCode === 0 || counted.failed > 0) return counted;
  const unnamed = [`  vitest ended with ${String(exitCode)}: its output above says why`];
  const failures = counted.failures.length > 0 ? counted.failures : unnamed;
  return { ...counted, failed: 1, failures };
}

export async function runProjects(projects: readonly string[]): Promise<Outcome> {
  const scratch = mkdtempSync(join(tmpdir(), "muster-test-"));
  const reportPath = join(scratch, "report.json");
  try {
    const exitCode = await runLoudly("vitest", [
      "run",
      ...projects.map((project) => `--project=${project}`),
      "--passWithNoTests",
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${reportPath}`,
    ]);
    return judge(readReport(reportPath), exitCode);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function readReport(path: string): Outcome {
  try {
    return countReport(readFileSync(path, "utf8"));
  } catch (error) {
    // vitest died before it could write: its own output says why, and the exit code makes it a failure.
    console.error(
      `no report from vitest: ${error instanceof Error ? error.message : String(error)}`,
    );
    return nothing;
  }
}
