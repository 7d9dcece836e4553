import { MusterError } from "@muster/model";
import { describe, expect, it } from "vitest";
import { MemoryJournal } from "../journal/memory-journal.ts";
import {
  aCommand,
  aSpec,
  clusterId,
  commandIdFor,
  keptLog,
  noHelp,
  simulatedHosts,
  vmIdOf,
} from "../testing/agent-setting.ts";
import {
  commandSetting,
  define,
  forceStop,
  remove,
  start,
  stop,
  web,
  withRunningVm,
} from "../testing/command-setting.ts";
import { CommandRunner } from "./command-runner.ts";

describe("a command", () => {
  it("is carried out once, and a repeat is answered from the journal", async () => {
    const { start: begin, run, journal, results, stateOf, world } = commandSetting();
    const runner = begin();
    expect(await run(aCommand(1, define))).toBe("done");
    expect(await run(aCommand(2, start))).toBe("done");
    world.virsh("h1", web, "destroy");
    // Starting it once more would undo what somebody did since.
    expect(await run(aCommand(2, start))).toBe("done");
    expect(stateOf(web)).toBe("stopped");
    expect(results()).toHaveLength(3);
    await runner.acknowledge(commandIdFor(1));
    await runner.acknowledge(commandIdFor(2));
    expect(journal.entries()).toStrictEqual([]);
  });

  it("that is under way is not begun again by a repeat", async () => {
    const { clock, runner, results } = await withRunningVm();
    runner.receive(aCommand(3, stop));
    runner.receive(aCommand(3, stop));
    await clock.runFor(60_000);
    expect(results()).toStrictEqual([`${commandIdFor(3)} done`]);
  });

  it("that is out of time while libvirt is slow changes nothing any more", async () => {
    const { clock, world, run, runner, results, stateOf } = await withRunningVm();
    expect(await run(aCommand(3, forceStop))).toBe("done");
    world.inject("h1", { operation: "observe", effect: { kind: "slow", extraMs: 90_000 } });
    runner.receive(aCommand(4, start, 30_000));
    await clock.runFor(600_000);
    expect(results().at(-1)).toBe(`${commandIdFor(4)} timeout`);
    expect(stateOf(web)).toBe("stopped");
  });

  it("that was given up stays in the journal until it has ended", async () => {
    const { clock, world, runner, journal, results } = await withRunningVm();
    world.inject("h1", { operation: "observe", effect: { kind: "slow", extraMs: 90_000 } });
    runner.receive(aCommand(3, forceStop, 30_000));
    await clock.runFor(60_000);
    await runner.acknowledge(commandIdFor(3));
    expect(journal.entries()).toHaveLength(1);
    await clock.runFor(60_000);
    expect(results()).toStrictEqual([`${commandIdFor(3)} timeout`]);
    await runner.acknowledge(commandIdFor(3));
    expect(journal.entries()).toStrictEqual([]);
  });

  it("is answered only once the answer is recorded, however long the disk is full", async () => {
    const { clock, runner, journal, results, stateOf } = await withRunningVm();
    const finish = journal.finish.bind(journal);
    let isFull = true;
    journal.finish = async (result) => {
      if (isFull) throw new MusterError("storage-failed", "no space left on device");
      return finish(result);
    };
    runner.receive(aCommand(3, forceStop));
    await clock.runFor(60_000);
    expect([stateOf(web), results()]).toStrictEqual(["stopped", []]);
    isFull = false;
    await clock.runFor(20_000);
    expect(results()).toStrictEqual([`${commandIdFor(3)} done`]);
  });

  it("that was acknowledged is forgotten in the end, however long the disk is full", async () => {
    const { clock, run, runner, journal, results } = await withRunningVm();
    const forget = journal.forget.bind(journal);
    let isFull = true;
    let written = 0;
    journal.forget = async (commandId) => {
      if (isFull) throw new MusterError("storage-failed", "no space left on device");
      written += 1;
      return forget(commandId);
    };
    await run(aCommand(3, forceStop));
    await runner.acknowledge(commandIdFor(3));
    await clock.runFor(60_000);
    expect(journal.entries()).toHaveLength(1);
    // A new session: answered and acknowledged once more.
    runner.sessionOpened();
    await runner.acknowledge(commandIdFor(3));
    isFull = false;
    await clock.runFor(20_000);
    expect([journal.entries(), written]).toStrictEqual([[], 1]);
    // Nothing is left to forget: nothing is written.
    await runner.acknowledge(commandIdFor(3));
    expect([results().length, written]).toStrictEqual([2, 1]);
  });

  it("waits for the one before it on the same VM, and not for other VMs", async () => {
    const { clock, runner, results } = await withRunningVm();
    const other = { ...define, vmId: vmIdOf(2), spec: aSpec("db") };
    runner.receive(aCommand(3, stop));
    runner.receive(aCommand(4, remove));
    runner.receive(aCommand(5, other));
    await clock.runFor(60_000);
    expect(results()).toStrictEqual([
      `${commandIdFor(5)} done`,
      `${commandIdFor(3)} done`,
      `${commandIdFor(4)} done`,
    ]);
  });

  it("that is cancelled says so, and what it did stands", async () => {
    const { clock, world, runner, results, stateOf } = await withRunningVm();
    world.setGuest(web, { ignoresShutdown: true });
    runner.receive(aCommand(3, stop));
    await clock.runFor(2_000);
    runner.cancel(commandIdFor(3));
    await clock.runFor(1_000);
    expect([results(), stateOf(web)]).toStrictEqual([[`${commandIdFor(3)} cancelled`], "running"]);
  });

  it("that takes too long is stopped", async () => {
    const { clock, world, runner, results } = await withRunningVm();
    world.setGuest(web, { ignoresShutdown: true });
    runner.receive(aCommand(3, { ...stop, graceMs: 600_000 }, 5_000));
    await clock.runFor(6_000);
    expect(results()).toStrictEqual([`${commandIdFor(3)} timeout`]);
  });

  it("is refused when there are too many, and the others go on", async () => {
    const { clock, world, runner, results } = await withRunningVm();
    world.setGuest(web, { ignoresShutdown: true });
    for (let number = 1_000; number < 1_512; number += 1) runner.receive(aCommand(number, stop));
    runner.receive(aCommand(2_000, stop));
    expect(results()).toStrictEqual([`${commandIdFor(2_000)} limit-exceeded`]);
    expect(runner.runningIds).toHaveLength(512);
    for (const id of runner.runningIds) runner.cancel(id);
    await clock.runFor(60_000);
    expect(runner.runningIds).toStrictEqual([]);
  });

  it("is not begun when the journal refuses it", async () => {
    const { clock, world, hypervisorOf, newDriver } = simulatedHosts();
    const { log } = keptLog();
    const sent: string[] = [];
    const memory = new MemoryJournal();
    const runner = new CommandRunner({
      hypervisor: hypervisorOf("h1"),
      networks: newDriver(),
      bulk: { openBulk: () => new Promise(() => undefined) },
      ...noHelp,
      clock,
      journal: {
        entries: () => memory.entries(),
        find: () => undefined,
        begin: () => Promise.reject(new Error("the disk is full")),
        finish: () => Promise.resolve(),
        forget: () => Promise.resolve(),
      },
      log,
      assignedNetwork: () => undefined,
      clusterId: () => clusterId,
      ended: () => undefined,
      send: (message) => {
        if (message.kind === "result") sent.push(message.error?.message ?? "done");
      },
    });
    runner.receive(aCommand(1, define));
    await clock.runFor(10_000);
    expect(sent).toStrictEqual(["the disk is full"]);
    expect(world.domains("h1")).toStrictEqual([]);
  });

  it("sends its result again whenever the link opens, until it is acknowledged", async () => {
    const { start: begin, run, results } = commandSetting();
    const runner = begin();
    await run(aCommand(1, define));
    runner.sessionOpened();
    runner.sessionOpened();
    await runner.acknowledge(commandIdFor(1));
    runner.sessionOpened();
    expect(results()).toHaveLength(3);
  });

  it("counts by kind and how it ended", async () => {
    const { start: begin, run } = commandSetting();
    const runner = begin();
    await run(aCommand(1, define));
    await run(aCommand(2, { kind: "pause-vm", vmId: vmIdOf(9) }));
    expect(runner.ended).toStrictEqual([
      { kind: "define-vm", outcome: "succeeded", count: 1 },
      { kind: "pause-vm", outcome: "failed", count: 1 },
    ]);
  });
});

describe("cleaning up after a VM that left", () => {
  it.each([[{ kind: "clean-departure", vmId: web, generation: 0 } as const, "newer"]])(
    "refuses one that is %s",
    async (action) => {
      const { start: begin, run, stateOf } = commandSetting();
      begin();
      await run(aCommand(1, define));
      expect(await run(aCommand(2, action))).toBe("wrong-state");
      expect(stateOf(web)).toBe("stopped");
    },
  );

  it("refuses one that runs", async () => {
    const { run, stateOf } = await withRunningVm();
    const action = { kind: "clean-departure", vmId: web, generation: 9 } as const;
    expect(await run(aCommand(3, action))).toBe("wrong-state");
    expect(stateOf(web)).toBe("running");
  });
});

describe("stopping a guest", () => {
  it("that does not listen says so and leaves it alone (S2)", async () => {
    const { world, run, stateOf } = await withRunningVm();
    world.setGuest(web, { ignoresShutdown: true });
    expect(await run(aCommand(3, stop))).toBe("timeout");
    expect(stateOf(web)).toBe("running");
  });
});
