/** Goal: bytes go both ways unchanged, and every way of leaving leaves. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import type { OpenConsoleRequest } from "@muster/proto/admin";
import { afterEach, beforeEach, expect, it } from "vitest";
import { eventually, startMuster } from "../testing/in-process.ts";
import { detailed, ScriptedCoordinator, type Script } from "../testing/scripted-coordinator.ts";

let socket = "";

beforeEach(async () => {
  socket = join(await mkdtemp(join(tmpdir(), "muster-cli-")), "s");
});
afterEach(async () => {
  await rm(join(socket, ".."), { recursive: true });
});

/** Greets, then echoes what is typed. */
const echo =
  (seen: OpenConsoleRequest[]): NonNullable<Script["openConsole"]> =>
  (call) => {
    let isFirst = true;
    call.on("data", (request: OpenConsoleRequest) => {
      seen.push(request);
      call.write({ data: isFirst ? Buffer.from("login: ") : request.data });
      isFirst = false;
      if (request.data.includes("poweroff")) call.end();
    });
  };

const start = (...more: readonly string[]) =>
  startMuster(["vm", "console", "web-1", "--coordinator", socket, ...more]);

it("carries bytes both ways and leaves at Ctrl-]", async () => {
  const seen: OpenConsoleRequest[] = [];
  await using _ = await ScriptedCoordinator.listen(socket, { openConsole: echo(seen) });
  const run = start("--force");
  await eventually(() => run.stdout.text === "login: ", "the greeting is shown");
  run.stdin.write("root\r");
  await eventually(() => run.stdout.text === "login: root\r", "the echo is shown");
  run.stdin.write("\u001dnot for the guest");
  expect(await run.exitCode).toBe(0);
  expect(seen[0]).toMatchObject({ vm: "web-1", force: true });
  expect(Buffer.concat(seen.map(({ data }) => data)).toString()).toBe("root\r");
});

it("shows what comes after a pipe ended, until the guest ends it", async () => {
  await using _ = await ScriptedCoordinator.listen(socket, { openConsole: echo([]) });
  const run = start();
  run.stdin.end("poweroff\r");
  expect(await run.exitCode).toBe(0);
  expect(run.stdout.text).toBe("login: poweroff\r");
});

it("carries more than one message's worth", async () => {
  await using _ = await ScriptedCoordinator.listen(socket, { openConsole: echo([]) });
  const run = start();
  const text = "x".repeat(300_000);
  run.stdin.end(`${text}poweroff`);
  expect(await run.exitCode).toBe(0);
  expect(run.stdout.text).toBe(`login: ${text}poweroff`);
});

it("leaves after --for and at Ctrl-C", async () => {
  await using _ = await ScriptedCoordinator.listen(socket, { openConsole: echo([]) });
  const timed = start("--for", "200ms");
  expect(await timed.exitCode).toBe(0);
  expect(timed.stdout.text).toBe("login: ");
  const stopped = start();
  await eventually(() => stopped.stdout.text === "login: ", "the greeting is shown");
  stopped.interrupt();
  expect(await stopped.exitCode).toBe(0);
});

it("says why it was refused or lost", async () => {
  const openConsole: Script["openConsole"] = (call) => {
    const detail = { code: "busy", message: "somebody has the console", hint: "use --force" };
    call.emit("error", detailed(status.ABORTED, detail));
  };
  const refusing = await ScriptedCoordinator.listen(socket, { openConsole });
  const refused = start();
  expect(await refused.exitCode).toBe(4);
  expect(refused.stderr.text).toContain("somebody has the console\n  what to do: use --force");
  await refusing[Symbol.asyncDispose]();

  const dying = await ScriptedCoordinator.listen(socket, { openConsole: echo([]) });
  const lost = start();
  await eventually(() => lost.stdout.text === "login: ", "the greeting is shown");
  await dying[Symbol.asyncDispose]();
  expect(await lost.exitCode).toBe(8);
});
