import {
  commandIdOf,
  MusterError,
  operationIdFrom,
  type Command,
  type CommandId,
  type CommandResult,
  type CoordinatorMessage,
} from "@muster/model";
import { SimulatedClock } from "@muster/runtime";
import { describe, expect, it } from "vitest";
import { hostIdOf, vmIdOf } from "../testing/builders.ts";
import { Commands, type CommandOptions } from "./commands.ts";

const h1 = hostIdOf(1);
const idOf = (number: number): CommandId => commandIdOf(operationIdFrom(number), "start", 1);
const aCommand = (number: number): Command => ({
  kind: "command",
  commandId: idOf(number),
  timeoutMs: 60_000,
  action: { kind: "pause-vm", vmId: vmIdOf(number) },
});
const done = (number: number): CommandResult => ({ kind: "result", commandId: idOf(number) });

function setting(isWanted: (id: CommandId) => boolean = () => false) {
  const clock = new SimulatedClock();
  const commands = new Commands({ clock, isWanted });
  const sent: string[] = [];
  const connect = (): void => {
    commands.connected(h1, (message: CoordinatorMessage) => {
      const id = "commandId" in message ? message.commandId : "";
      sent.push(`${message.kind} ${id}`);
    });
  };
  const execute = (
    number: number,
    change: Partial<CommandOptions> = {},
  ): { readonly ended: Promise<string> } => {
    const options: CommandOptions = {
      signal: new AbortController().signal,
      onProgress: () => undefined,
      offlineLimitMs: 10_000,
      limitMs: 60_000,
      ...change,
    };
    const ended = commands.execute(h1, aCommand(number), options).then(
      (result) => result.error?.code ?? "done",
      (error: unknown) => (error as { readonly code: string }).code,
    );
    return { ended };
  };
  return { clock, commands, sent, connect, execute };
}

describe("a command", () => {
  it("is sent when its host connects, and ends with its result", async () => {
    const { commands, sent, connect, execute } = setting();
    const { ended } = execute(1);
    expect(sent).toStrictEqual([]);
    connect();
    expect(sent).toStrictEqual([`command ${idOf(1)}`]);
    commands.result(h1, done(1));
    expect(await ended).toBe("done");
  });

  it("is sent again when its host reconnects, and not once it has ended", async () => {
    const { commands, sent, connect, execute } = setting();
    connect();
    const { ended } = execute(1);
    commands.disconnected(h1);
    connect();
    commands.result(h1, done(1));
    await ended;
    commands.disconnected(h1);
    connect();
    expect(sent).toStrictEqual([`command ${idOf(1)}`, `command ${idOf(1)}`]);
  });

  it("is acknowledged only when its caller says so", async () => {
    const { commands, sent, connect, execute } = setting();
    connect();
    const { ended } = execute(1);
    commands.result(h1, done(1));
    await ended;
    expect(sent).not.toContain(`acknowledge ${idOf(1)}`);
    commands.acknowledge(h1, idOf(1));
    expect(sent).toContain(`acknowledge ${idOf(1)}`);
  });

  it("gets its result also when that came before anybody asked, as after a restart", async () => {
    const { commands, sent, connect, execute } = setting(() => true);
    connect();
    commands.result(h1, done(1));
    expect(sent).toStrictEqual([]);
    expect(await execute(1).ended).toBe("done");
    expect(sent).toStrictEqual([]);
  });

  it("that nobody wants the result of any more is acknowledged at once", () => {
    const { commands, sent, connect } = setting();
    connect();
    commands.result(h1, done(1));
    expect(sent).toStrictEqual([`acknowledge ${idOf(1)}`]);
  });

  it("whose early result is no longer wanted is acknowledged then", () => {
    let isWanted = true;
    const { commands, sent, connect } = setting(() => isWanted);
    connect();
    commands.result(h1, done(1));
    commands.acknowledgeUnwanted();
    expect(sent).toStrictEqual([]);
    isWanted = false;
    commands.acknowledgeUnwanted();
    expect(sent).toStrictEqual([`acknowledge ${idOf(1)}`]);
  });

  it("whose result nobody could record is acknowledged once it is no longer wanted", async () => {
    let isWanted = true;
    const { commands, sent, connect, execute } = setting(() => isWanted);
    connect();
    const { ended } = execute(1);
    commands.result(h1, done(1));
    await ended;
    // The disk is full: whoever waited fails, and never acknowledges what it could not record.
    commands.acknowledgeUnwanted();
    expect(sent).toStrictEqual([`command ${idOf(1)}`]);
    isWanted = false;
    commands.acknowledgeUnwanted();
    commands.acknowledgeUnwanted();
    expect(sent).toStrictEqual([`command ${idOf(1)}`, `acknowledge ${idOf(1)}`]);
  });

  it("takes no result from another host", async () => {
    const { clock, commands, connect, execute } = setting();
    connect();
    const { ended } = execute(1);
    commands.result(hostIdOf(2), { ...done(1) });
    let outcome = "";
    void ended.then((text) => (outcome = text));
    await clock.runFor(1_000);
    expect(outcome).toBe("");
    commands.result(h1, done(1));
    await ended;
  });

  it("hands its progress on", async () => {
    const { commands, connect, execute } = setting();
    connect();
    const heard: string[] = [];
    const { ended } = execute(1, { onProgress: ({ phase }) => heard.push(phase) });
    commands.progress({ kind: "progress", commandId: idOf(1), phase: "copying" });
    commands.progress({ kind: "progress", commandId: idOf(2), phase: "someone else's" });
    commands.result(h1, done(1));
    await ended;
    expect(heard).toStrictEqual(["copying"]);
  });
});

describe("cancelling a command", () => {
  it("asks the host to stop and still waits for what comes of it", async () => {
    const { commands, sent, connect, execute } = setting();
    connect();
    const cancel = new AbortController();
    const { ended } = execute(1, { signal: cancel.signal });
    cancel.abort();
    expect(sent).toStrictEqual([`command ${idOf(1)}`, `cancel ${idOf(1)}`]);
    commands.result(h1, done(1));
    expect(await ended).toBe("done");
  });

  it("reaches a host that was away when it was asked for", async () => {
    const { commands, sent, connect, execute } = setting();
    connect();
    const cancel = new AbortController();
    const { ended } = execute(1, { signal: cancel.signal });
    commands.disconnected(h1);
    cancel.abort();
    connect();
    expect(sent.slice(1)).toStrictEqual([`command ${idOf(1)}`, `cancel ${idOf(1)}`]);
    commands.result(h1, done(1));
    await ended;
  });

  it("that was asked for before follows the command at once", async () => {
    const { commands, sent, connect, execute } = setting();
    connect();
    const { ended } = execute(1, { signal: AbortSignal.abort() });
    expect(sent).toStrictEqual([`command ${idOf(1)}`, `cancel ${idOf(1)}`]);
    commands.result(h1, done(1));
    await ended;
  });
});

describe("a command without an answer", () => {
  it("is given up when its host has been away for the limit, not before", async () => {
    const { clock, execute } = setting();
    const { ended } = execute(1, { offlineLimitMs: 10_000 });
    let outcome = "";
    void ended.then((text) => (outcome = text));
    await clock.runFor(9_000);
    expect(outcome).toBe("");
    await clock.runFor(2_000);
    expect(outcome).toBe("host-offline");
  });

  it("is not given up while its host only comes and goes", async () => {
    const { clock, commands, connect, execute } = setting();
    const { ended } = execute(1, { offlineLimitMs: 10_000, limitMs: 1_000_000 });
    for (let visit = 0; visit < 10; visit += 1) {
      await clock.runFor(6_000);
      connect();
      await clock.runFor(2_000);
      commands.disconnected(h1);
    }
    connect();
    commands.result(h1, done(1));
    expect(await ended).toBe("done");
  });

  it("is cancelled when it is late, and given up after its last words", async () => {
    const { clock, sent, connect, execute } = setting();
    connect();
    const { ended } = execute(1, { limitMs: 60_000 });
    let outcome = "";
    void ended.then((text) => (outcome = text));
    await clock.runFor(60_000);
    expect([sent.at(-1), outcome]).toStrictEqual([`cancel ${idOf(1)}`, ""]);
    await clock.runFor(30_000);
    expect(outcome).toBe("timeout");
  });

  it.each(["before", "while"])(
    "is waited for no longer when the coordinator stops, %s it waits: no timer keeps its process alive",
    async (when) => {
      const { clock, sent, connect, execute } = setting();
      connect();
      const stop = new AbortController();
      const reason = new MusterError("interrupted", "the coordinator stops");
      if (when === "before") stop.abort(reason);
      const { ended } = execute(1, { stopping: stop.signal });
      if (when === "while") stop.abort(reason);
      expect(await ended).toBe("interrupted");
      expect(await clock.runUntil(() => false, 1_000_000)).toBe(false);
      expect(clock.now()).toBe(0);
      expect(sent).not.toContain(`cancel ${idOf(1)}`);
    },
  );

  it("leaves no timer behind once it has ended", async () => {
    const { clock, commands, connect, execute } = setting();
    connect();
    const { ended } = execute(1);
    commands.result(h1, done(1));
    await ended;
    expect(await clock.runUntil(() => false, 1_000_000)).toBe(false);
    expect(clock.now()).toBe(0);
  });
});
