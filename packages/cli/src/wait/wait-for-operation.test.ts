/** Goal: the CLI tells the truth about long work across lost connections, Ctrl-C and failures. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { OperationState, StepState, type Operation } from "@muster/proto/admin";
import { systemClock } from "@muster/runtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { anOperation, aStep, aSucceededOperation, aVm } from "../testing/builders.ts";
import { eventually, muster, startMuster } from "../testing/in-process.ts";
import {
  answering,
  detailed,
  ScriptedCoordinator,
  streaming,
  type Script,
} from "../testing/scripted-coordinator.ts";

let socket = "";

beforeEach(async () => {
  socket = join(await mkdtemp(join(tmpdir(), "muster-cli-")), "s");
});
afterEach(async () => {
  await rm(join(socket, ".."), { recursive: true });
});

const views = (...operations: readonly Operation[]) =>
  operations.map((operation) => ({ operation }));

/** Sends these and stays silent. */
const hanging = (...operations: readonly Operation[]): Script["watchOperation"] =>
  streaming(views(...operations), () => undefined);

const ending = (...operations: readonly Operation[]): Script["watchOperation"] =>
  streaming(views(...operations));

function migrationScript(watchOperation: Script["watchOperation"]): Script {
  return {
    migrateVm: answering(() => ({
      operation: anOperation({ state: OperationState.QUEUED, steps: [] }),
      targetHost: "h2",
      explanation: { lines: ["h2: best"], json: "", placed: true },
    })),
    getVm: answering(() => ({ vm: aVm({ host: "h2" }) })),
    ...(watchOperation === undefined ? {} : { watchOperation }),
  };
}

const argv = (...more: readonly string[]): readonly string[] => [
  "vm",
  "migrate",
  "web-1",
  "--coordinator",
  socket,
  ...more,
];

describe("waiting", () => {
  it("shows each step once on a pipe, the result on stdout, and ends with 0", async () => {
    await using _ = await ScriptedCoordinator.listen(
      socket,
      migrationScript(ending(anOperation(), anOperation(), aSucceededOperation())),
    );
    const { exitCode, stdout, stderr } = await muster(argv());
    expect(stderr.split("\n")).toEqual([
      "op-000001 vm-migrate vm/web-1: running",
      "op-000001 reserve-target on h2: done after 0.0 s",
      "op-000001 move-guest on h1: copying memory",
      "op-000001 move-guest on h1: done after 3.0 s",
      "op-000001 clean-source on h1: done after 0.0 s",
      "",
    ]);
    expect(stdout).toBe("VM web-1 is running on h2 (op-000001, 9.0 s)\n");
    expect(exitCode).toBe(0);
  });

  it("draws a bar on a terminal and clears it", async () => {
    await using _ = await ScriptedCoordinator.listen(
      socket,
      migrationScript(ending(anOperation(), aSucceededOperation())),
    );
    const { stderr } = await muster(argv(), { isTTY: true });
    expect(stderr).toContain("\r\u001b[K[############            ]  50%  move-guest on h1");
    expect(stderr.endsWith("\r\u001b[K")).toBe(true);
  });

  it("prints operation and VM as JSON, progress apart", async () => {
    await using _ = await ScriptedCoordinator.listen(
      socket,
      migrationScript(ending(aSucceededOperation())),
    );
    const { stdout } = await muster(argv("-o", "json"));
    expect(JSON.parse(stdout)).toMatchObject({
      operation: { id: "op-000001", state: "succeeded" },
      vm: { name: "web-1", host: "h2" },
      targetHost: "h2",
    });
  });

  it("does not wait with --detach", async () => {
    await using _ = await ScriptedCoordinator.listen(socket, migrationScript(undefined));
    expect(await muster(argv("--detach"))).toEqual({
      exitCode: 0,
      stdout: "op-000001\n",
      stderr: "",
    });
  });

  it("gives up after --wait-timeout and says that the operation goes on", async () => {
    await using _ = await ScriptedCoordinator.listen(
      socket,
      migrationScript(hanging(anOperation())),
    );
    const { exitCode, stderr } = await muster(argv("--wait-timeout", "300ms"));
    expect(exitCode).toBe(8);
    expect(stderr).toContain("op-000001 has not ended after 0.3 s; it goes on");
    expect(stderr).toContain("muster op watch op-000001");
  });

  it("detaches at Ctrl-C and cancels nothing", async () => {
    let cancelled = 0;
    const script: Script = {
      ...migrationScript(hanging(anOperation())),
      cancelOperation: answering(() => {
        cancelled += 1;
        return { operation: anOperation() };
      }),
    };
    await using _ = await ScriptedCoordinator.listen(socket, script);
    const run = startMuster(argv());
    await eventually(() => run.stderr.text.includes("move-guest"), "progress is shown");
    run.interrupt();
    expect(await run.exitCode).toBe(130);
    expect(run.stderr.text).toContain("stopped waiting; op-000001 goes on: watch it with");
    expect(run.stderr.text).toContain("muster op cancel op-000001");
    expect({ cancelled, stdout: run.stdout.text }).toEqual({ cancelled: 0, stdout: "" });
  });
});

describe("an operation that fails", () => {
  const error = {
    code: "hypervisor-failed",
    message: "failed to migrate vm web-1",
    cause: "No route to host",
    hint: "check that h1 reaches h2",
    reasons: [],
  };
  const failed = anOperation({
    state: OperationState.FAILED,
    error,
    steps: [aStep({ state: StepState.FAILED, error })],
  });

  it("says which step, on which host, why, and what to do", async () => {
    await using _ = await ScriptedCoordinator.listen(socket, migrationScript(ending(failed)));
    const { exitCode, stdout, stderr } = await muster(argv());
    expect(stderr).toContain(
      "muster: op-000001 (vm-migrate vm/web-1) failed at step move-guest on h1: failed to migrate vm web-1\n" +
        "  because: No route to host\n  what to do: check that h1 reaches h2\n",
    );
    expect({ exitCode, stdout }).toEqual({ exitCode: 6, stdout: "" });
  });

  it("ends with 5 when no host fitted, with 7 when it was cancelled", async () => {
    const nowhere = anOperation({
      state: OperationState.FAILED,
      steps: [],
      error: { ...error, code: "no-placement", reasons: ["h1: cordoned"] },
    });
    {
      await using _ = await ScriptedCoordinator.listen(socket, migrationScript(ending(nowhere)));
      const run = await muster(argv());
      expect(run.exitCode).toBe(5);
      expect(run.stderr).toContain("  - h1: cordoned\n");
    }
    const cancelled = anOperation({ state: OperationState.CANCELLED });
    await using _ = await ScriptedCoordinator.listen(socket, migrationScript(ending(cancelled)));
    const run = await muster(argv("-o", "json"));
    expect(run.exitCode).toBe(7);
    expect(JSON.parse(run.stdout)).toMatchObject({ operation: { state: "cancelled" } });
  });

  it("that nobody knows any more is not found", async () => {
    const watchOperation: Script["watchOperation"] = (call) => {
      call.emit("error", detailed(status.NOT_FOUND, { code: "not-found", message: "no op-9" }));
    };
    await using _ = await ScriptedCoordinator.listen(socket, { watchOperation });
    const { exitCode, stderr } = await muster(["op", "watch", "op-9", "--coordinator", socket]);
    expect(exitCode).toBe(3);
    expect(stderr).toContain("muster: no op-9");
  });
});

describe("a coordinator that is killed while we wait", () => {
  it("is dialled again, and the story goes on", async () => {
    const first = await ScriptedCoordinator.listen(socket, migrationScript(hanging(anOperation())));
    const run = startMuster(argv());
    await eventually(() => run.stderr.text.includes("move-guest"), "progress is shown");
    await first[Symbol.asyncDispose]();
    await eventually(() => run.stderr.text.includes("dialling again"), "the loss is told");
    // Long enough that dialling fails a few times.
    await systemClock.sleep(1_200);
    await using _ = await ScriptedCoordinator.listen(
      socket,
      migrationScript(ending(anOperation(), aSucceededOperation())),
    );
    expect(await run.exitCode).toBe(0);
    expect(run.stdout.text).toBe("VM web-1 is running on h2 (op-000001, 9.0 s)\n");
    expect(run.stderr.text.match(/move-guest on h1: copying memory/g)).toHaveLength(1);
  });

  it("and stays away ends the wait after --timeout, with how to go on", async () => {
    const first = await ScriptedCoordinator.listen(socket, migrationScript(hanging(anOperation())));
    const run = startMuster(argv("--timeout", "1s"));
    await eventually(() => run.stderr.text.includes("move-guest"), "progress is shown");
    await first[Symbol.asyncDispose]();
    expect(await run.exitCode).toBe(8);
    expect(run.stderr.text).toContain("while waiting for op-000001");
    expect(run.stderr.text).toContain("op-000001 may go on; when the coordinator is back");
  });
});

describe("a coordinator that is killed while it answers", () => {
  it("gets the same request again with the same request id", async () => {
    const seen: string[] = [];
    const silent: Script = {
      migrateVm: (call) => {
        seen.push(call.request.why?.requestId ?? "");
      },
    };
    const first = await ScriptedCoordinator.listen(socket, silent);
    const run = startMuster(argv());
    await eventually(() => seen.length === 1, "the request arrived");
    await first[Symbol.asyncDispose]();
    await systemClock.sleep(600);
    const script = migrationScript(ending(aSucceededOperation()));
    await using _ = await ScriptedCoordinator.listen(socket, {
      ...script,
      migrateVm: (call, done) => {
        seen.push(call.request.why?.requestId ?? "");
        script.migrateVm?.(call, done);
      },
    });
    expect(await run.exitCode).toBe(0);
    expect(seen).toHaveLength(2);
    expect(seen[1]).toBe(seen[0]);
  });

  it("and stays away leaves the person with the request id", async () => {
    let requestId = "";
    const first = await ScriptedCoordinator.listen(socket, {
      migrateVm: (call) => {
        requestId = call.request.why?.requestId ?? "";
      },
    });
    const run = startMuster(argv("--timeout", "1s"));
    await eventually(() => requestId !== "", "the request arrived");
    await first[Symbol.asyncDispose]();
    expect(await run.exitCode).toBe(8);
    expect(run.stderr.text).toContain(`--request-id ${requestId}`);
  });
});

describe("op cancel", () => {
  it.each([
    [OperationState.CANCELLED, 0, "ended as cancelled"],
    [OperationState.SUCCEEDED, 4, "had gone too far to be cancelled"],
  ])("waits for the end: %i", async (state, code, text) => {
    await using _ = await ScriptedCoordinator.listen(socket, {
      cancelOperation: answering(() => ({ operation: anOperation({ cancelRequested: true }) })),
      watchOperation: streaming(views(anOperation({ state }))),
    });
    const run = await muster(["op", "cancel", "op-000001", "--coordinator", socket]);
    expect(run.exitCode).toBe(code);
    expect(run.stdout).toContain(text);
  });
});
