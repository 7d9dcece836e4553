/** Goal: `events --follow` neither loses nor repeats what happened, also across a restart of the coordinator. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { WatchEventsRequest } from "@muster/proto/admin";
import { afterEach, beforeEach, expect, it } from "vitest";
import { eventually, muster, startMuster } from "../testing/in-process.ts";
import { ScriptedCoordinator, streaming } from "../testing/scripted-coordinator.ts";

let socket = "";

beforeEach(async () => {
  socket = join(await mkdtemp(join(tmpdir(), "muster-cli-")), "s");
});
afterEach(async () => {
  await rm(join(socket, ".."), { recursive: true });
});

const event = (sequence: bigint, second: number) => ({
  event: {
    sequence,
    at: `2026-01-01T00:00:0${String(second)}Z`,
    kind: "vm-state-changed",
    subject: `vm/v${String(second)}`,
    message: "running",
    host: "h1",
    operationId: "",
  },
});

it("prints recent events and ends", async () => {
  let seen: WatchEventsRequest | undefined;
  await using _ = await ScriptedCoordinator.listen(socket, {
    watchEvents: (call) => {
      seen = call.request;
      streaming([event(1n, 1), event(2n, 2)])(call);
    },
  });
  const argv = ["events", "--recent", "2", "-o", "json", "--coordinator", socket];
  const { exitCode, stdout } = await muster(argv);
  const lines = stdout.trimEnd().split("\n");
  expect(lines.map((line) => (JSON.parse(line) as { subject: string }).subject)).toEqual([
    "vm/v1",
    "vm/v2",
  ]);
  expect({ exitCode, seen }).toEqual({ exitCode: 0, seen: { follow: false, recent: 2 } });
});

it("goes on after the coordinator restarted and counts anew", async () => {
  const first = await ScriptedCoordinator.listen(socket, {
    watchEvents: streaming([event(7n, 1), event(8n, 2)], () => undefined),
  });
  const run = startMuster(["events", "--follow", "-o", "name", "--coordinator", socket]);
  await eventually(() => run.stdout.text.includes("vm/v2"), "the first events are shown");
  await first[Symbol.asyncDispose]();
  await using _ = await ScriptedCoordinator.listen(socket, {
    watchEvents: streaming([event(1n, 2), event(2n, 3)], () => undefined),
  });
  await eventually(() => run.stdout.text.includes("vm/v3"), "the new event is shown");
  run.interrupt();
  expect(await run.exitCode).toBe(0);
  expect(run.stdout.text).toBe("vm/v1\nvm/v2\nvm/v3\n");
});
