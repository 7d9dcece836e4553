/** Goal: the real process behaves: signals, pipes that close early, exit codes. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { anOperation, aVm } from "./testing/builders.ts";
import { eventually } from "./testing/in-process.ts";
import { answering, ScriptedCoordinator, streaming } from "./testing/scripted-coordinator.ts";

const main = fileURLToPath(new URL("main.ts", import.meta.url));

let socket = "";

beforeEach(async () => {
  socket = join(await mkdtemp(join(tmpdir(), "muster-cli-")), "s");
});
afterEach(async () => {
  await rm(join(socket, ".."), { recursive: true });
});

function start(...argv: readonly string[]) {
  const child = spawn(process.execPath, [main, "--coordinator", socket, ...argv]);
  const seen = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => {
    seen.stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    seen.stderr += chunk.toString();
  });
  const exited = new Promise<number | null>((resolve) => {
    child.once("close", resolve);
  });
  return { child, seen, exited };
}

it("ends by itself with the exit code", async () => {
  const run = start("vm", "ls");
  expect(await run.exited).toBe(8);
  expect(run.seen.stderr).toContain(`cannot reach the coordinator at unix://${socket}`);
});

it("detaches at SIGINT while it waits", async () => {
  await using _ = await ScriptedCoordinator.listen(socket, {
    watchOperation: streaming([{ operation: anOperation() }], () => undefined),
  });
  const run = start("op", "watch", "op-000001");
  await eventually(() => run.seen.stderr.includes("move-guest"), "progress is shown");
  run.child.kill("SIGINT");
  expect(await run.exited).toBe(130);
  expect(run.seen.stderr).toContain("stopped waiting; op-000001 goes on");
});

it("is no failure when the reader of its output leaves", async () => {
  const vms = Array.from({ length: 5_000 }, () => aVm());
  await using _ = await ScriptedCoordinator.listen(socket, { listVms: answering(() => ({ vms })) });
  const run = start("vm", "ls");
  run.child.stdout.destroy();
  expect(await run.exited).toBe(0);
  expect(run.seen.stderr).toBe("");
});

it("ends after a console although stdin stays open", async () => {
  await using _ = await ScriptedCoordinator.listen(socket, {
    openConsole: (call) => {
      call.write({ data: Buffer.from("bye\n") });
      call.end();
    },
  });
  const run = start("vm", "console", "web-1");
  expect(await run.exited).toBe(0);
  expect(run.seen.stdout).toBe("bye\n");
});
