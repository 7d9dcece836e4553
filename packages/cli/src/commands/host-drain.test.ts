/** Goal: drain and undrain ask for the right things in the right order. Method: a scripted coordinator. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DrainHostRequest } from "@muster/proto/admin";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aHost, anOperation } from "../testing/builders.ts";
import { muster } from "../testing/in-process.ts";
import { answering, ScriptedCoordinator, type Script } from "../testing/scripted-coordinator.ts";

let directory = "";

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muster-cli-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function against(script: Script, ...argv: readonly string[]) {
  await using coordinator = await ScriptedCoordinator.listen(join(directory, "s"), script);
  return await muster([...argv, "--coordinator", coordinator.address]);
}

describe("host drain", () => {
  it("shows the plan in a dry run", async () => {
    const move = {
      step: 1,
      wave: 1,
      vm: "web-1",
      fromHost: "h1",
      toHost: "h2",
      hop: false,
      memoryBytes: 1n << 30n,
      volumeBytes: 0n,
      durationMs: 2_000n,
      downtimeMs: 20,
      diverges: false,
    };
    const plan = { title: "", lines: [], stuck: [], counts: [], restart: false };
    const drainHost = answering((request: DrainHostRequest) => ({
      operation: request.why?.dryRun === true ? undefined : anOperation(),
      plan: { ...plan, moves: [move], durationMs: 2_000n },
      snapshotHash: "ab",
    }));
    const { exitCode, stdout } = await against({ drainHost }, "host", "drain", "h1", "--dry-run");
    expect(exitCode).toBe(0);
    expect(stdout).toBe(
      [
        "would cordon host h1, then:",
        "WAVE  VM     FROM  TO  MEMORY  VOLUMES  TAKES  PAUSE",
        "   1  web-1  h1    h2   1 GiB        -  2.0 s  20 ms",
        "1 move in 1 wave, 1 GiB of memory, about 2.0 s",
        "nothing was changed (dry run)",
        "",
      ].join("\n"),
    );
  });
});

describe("host undrain", () => {
  const asked: string[] = [];
  const script: Script = {
    getHost: answering(() => ({ host: aHost(), vms: [] })),
    listOperations: answering(({ subject }) => {
      asked.push(`list ${subject}`);
      const drain = { type: "host-drain", subject: "host/h1" };
      return { operations: [anOperation({ id: "op-000009", ...drain }), anOperation()] };
    }),
    cancelOperation: answering(({ id }) => {
      asked.push(`cancel ${id}`);
      return { operation: anOperation() };
    }),
    setHostCordon: answering(({ host, cordoned }) => {
      asked.push(`cordon ${host} ${String(cordoned)}`);
      return { host: aHost() };
    }),
  };

  it("stops the drain, then opens the host", async () => {
    asked.length = 0;
    const { exitCode, stdout } = await against(script, "host", "undrain", "h1");
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: "drain op-000009 starts no more moves\nhost h1 is open for VMs\n",
    });
    expect(asked).toEqual(["list host/h1", "cancel op-000009", "cordon h1 false"]);
  });

  it("changes nothing in a dry run", async () => {
    asked.length = 0;
    const { stdout } = await against(script, "host", "undrain", "h1", "--dry-run");
    expect(stdout).toContain("host h1 would be open for VMs");
    expect(asked).toEqual(["list host/h1"]);
  });
});
