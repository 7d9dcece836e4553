/** The script of the first boot in the real shell, in a directory instead of a guest. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { parseReportLine } from "../report/parse-report.ts";
import { aContext, aSubject, hostileText } from "../testing/contexts.ts";
import { textOfBytes } from "../bytes.ts";
import { GUEST_HOME, GUEST_LOG, renderFirstBoot } from "./first-boot.ts";
import { renderSeed } from "./render-seed.ts";

let directory = "";

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "muster-first-boot-"));
  mkdirSync(join(directory, "out"));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** Runs it with everything it writes in our directory. */
function boot(document: object): { readonly report: readonly string[]; readonly log: string } {
  const script = renderFirstBoot(aContext(document))
    .replaceAll(GUEST_HOME, join(directory, "home"))
    .replaceAll(GUEST_LOG, join(directory, "log"));
  writeFileSync(join(directory, "script"), script);
  const ran = spawnSync("sh", [join(directory, "script")], {
    cwd: join(directory, "out"),
    env: { PATH: process.env["PATH"] },
  });
  expect(ran.stderr.toString("utf8")).toBe("");
  const report = readFileSync(join(directory, "home/report"), "utf8");
  const stages = report
    .split("\n")
    .flatMap((line) => parseReportLine(line) ?? [])
    .map(({ stage, state, exitCode }) => `${stage} ${state} ${String(exitCode)}`);
  const hasLog = existsSync(join(directory, "log"));
  return { report: stages, log: hasLog ? readFileSync(join(directory, "log"), "utf8") : "" };
}

it("does the individual settings, then the central policies", () => {
  const { report, log } = boot({
    values: { NAME: 'it\'s "me" $(touch owned)' },
    commands: ['printf "%s\\n" "$NAME" >name', "echo second"],
    policies: [{ command: "cat name" }],
  });
  expect(report).toStrictEqual([
    "individual running 0",
    "individual done 0",
    "central running 0",
    "central done 0",
  ]);
  expect(log).toContain('+ policy 1: command\nit\'s "me" $(touch owned)\n');
  expect(existsSync(join(directory, "out/owned"))).toBe(false);
});

it("ends with the first command that fails, and leaves the policies out", () => {
  const { report, log } = boot({
    commands: ["echo first", "echo oh no >&2; exit 7", "touch third"],
    policies: [{ command: "touch central" }],
  });
  expect(report).toStrictEqual([
    "individual running 0",
    "individual failed 7",
    "central skipped 0",
  ]);
  expect(log).toContain("oh no");
  expect(existsSync(join(directory, "out/third"))).toBe(false);
  expect(existsSync(join(directory, "out/central"))).toBe(false);
});

it("says which policy failed, and with what", () => {
  const { report } = boot({ policies: [{ command: "true" }, { command: "exit 3" }] });
  expect(report.at(-1)).toBe("central failed 3");
});

it("runs once", () => {
  const document = { commands: ["echo again >>count"] };
  boot(document);
  boot(document);
  expect(readFileSync(join(directory, "out/count"), "utf8")).toBe("again\n");
});

it("is a script that sh can read, whatever is in the context", () => {
  fc.assert(
    fc.property(fc.array(hostileText, { minLength: 6, maxLength: 6 }), (texts) => {
      const [value = "", command = "", policy = "", content = ""] = texts;
      const context = aContext({
        format: "stratuslab",
        values: { VALUE: value },
        commands: [command],
        policies: [{ command: policy }],
        files: [{ path: "/etc/x y", content }],
      });
      for (const { content: bytes } of renderSeed(context, aSubject()).files) {
        const read = spawnSync("sh", ["-n"], { input: textOfBytes(bytes) });
        expect(read.stderr.toString("utf8")).toBe("");
      }
    }),
    { numRuns: 60 },
  );
});
