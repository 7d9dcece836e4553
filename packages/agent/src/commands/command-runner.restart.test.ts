/** What an agent makes of the commands its predecessor had begun. */
import type { CommandAction } from "@muster/model";
import { describe, expect, it } from "vitest";
import { aCommand, aSpec, commandIdFor } from "../testing/agent-setting.ts";
import {
  commandSetting,
  define,
  forceStop,
  migrate,
  remove,
  start,
  stop,
  web,
  withRunningVm,
} from "../testing/command-setting.ts";

describe("after the agent was killed in the middle of a command", () => {
  const pause: CommandAction = { kind: "pause-vm", vmId: web };
  const resume: CommandAction = { kind: "resume-vm", vmId: web };
  const mark: CommandAction = { kind: "finish-arrival", vmId: web, generation: 4 };
  const arrive: CommandAction = { kind: "prepare-arrival", vmId: web, spec: aSpec("web") };
  const cases: readonly (readonly [
    string,
    readonly CommandAction[],
    CommandAction,
    string,
    string,
  ])[] = [
    ["define", [], define, "done", "stopped"],
    ["start", [define], start, "done", "running"],
    ["stop", [define, start], stop, "done", "stopped"],
    ["force-stop", [define, start], forceStop, "done", "stopped"],
    ["pause", [define, start], pause, "done", "paused"],
    ["resume", [define, start, pause], resume, "done", "running"],
    ["delete", [define], remove, "done", "absent"],
    ["mark", [define, start], mark, "done", "running"],
    ["prepare-arrival", [define], arrive, "done", "stopped"],
    [
      "clean-departure",
      [define],
      { kind: "clean-departure", vmId: web, generation: 1 },
      "done",
      "absent",
    ],
    [
      "reboot",
      [define, start],
      { kind: "reboot-vm", vmId: web, force: false },
      "interrupted",
      "running",
    ],
  ];

  const moments = ["before it had an effect", "after its effect, before the answer"] as const;

  it.each(cases.flatMap((one) => moments.map((moment) => [moment, ...one] as const)))(
    "%s, %s is finished by the next one",
    async (moment, _what, before, action, outcome, state) => {
      const it = commandSetting();
      it.start();
      let number = 10;
      for (const each of before) expect(await it.run(aCommand((number += 1), each))).toBe("done");
      for (const { command } of it.journal.entries()) await it.journal.forget(command.commandId);
      it.sent.length = 0;
      // Slow: killed while libvirt has not begun. Hang: killed when it has, and nobody heard.
      const effect =
        moment === "before it had an effect"
          ? { kind: "slow", extraMs: 5_000 }
          : { kind: "lose-answer" };
      it.world.inject("h1", {
        operation: "any",
        times: 1,
        effect: effect as { kind: "lose-answer" },
      });
      const killed = it.start();
      killed.receive(aCommand(1, action));
      await it.clock.settle();
      expect(it.journal.entries()).toHaveLength(1);
      await it.kill();
      it.world.clearFaults("h1");
      await it.clock.runFor(2_000);
      const runner = it.start();
      runner.resume();
      await it.clock.runFor(60_000);
      expect(it.results()).toStrictEqual([]);
      runner.receive(aCommand(1, action));
      await it.clock.runUntil(() => it.results().length > 0, 3_600_000);
      expect(it.results()).toStrictEqual([`${commandIdFor(1)} ${outcome}`]);
      expect(it.stateOf(web)).toBe(state);
      expect(it.world.violations).toStrictEqual([]);
    },
  );

  it("a start that nobody asks for again is given up, and not made", async () => {
    const { clock, world, kill, start: begin, run, results, stateOf, journal } = commandSetting();
    const first = begin();
    expect(await run(aCommand(1, define))).toBe("done");
    await first.acknowledge(commandIdFor(1));
    world.inject("h1", { operation: "any", times: 1, effect: { kind: "slow", extraMs: 5_000 } });
    first.receive(aCommand(2, start));
    await clock.settle();
    await kill();
    world.clearFaults("h1");
    const next = begin();
    next.resume();
    next.sessionOpened();
    // A session that breaks gives the coordinator no time to ask.
    await clock.runFor(20_000);
    next.sessionClosed();
    await clock.runFor(60_000);
    expect(results().slice(1)).toStrictEqual([]);
    next.sessionOpened();
    await clock.runFor(31_000);
    expect(results().at(-1)).toBe(`${commandIdFor(2)} interrupted`);
    expect(stateOf(web)).toBe("stopped");
    // The answer stays the same, whoever asks late.
    expect(await run(aCommand(2, start))).toBe("interrupted");
    expect(stateOf(web)).toBe("stopped");
    await next.acknowledge(commandIdFor(2));
    expect(journal.entries()).toStrictEqual([]);
  });

  it("a migration that libvirt was never told of has not happened", async () => {
    const { clock, world, kill, start: begin, runner, results, stateOf } = await withRunningVm();
    world.inject("h1", { operation: "migrate", effect: { kind: "slow", extraMs: 5_000 } });
    runner.receive(aCommand(3, migrate));
    await clock.runFor(100);
    await kill();
    await clock.runFor(100);
    const next = begin();
    next.resume();
    await clock.runUntil(() => results().length > 0, 600_000);
    expect(results()).toStrictEqual([`${commandIdFor(3)} interrupted`]);
    expect(stateOf(web)).toBe("running");
  });

  it("a migration that ended meanwhile has happened", async () => {
    const { clock, kill, start: begin, runner, results, stateOf } = await withRunningVm();
    runner.receive(aCommand(3, migrate));
    await clock.runFor(100);
    await kill();
    await clock.runFor(600_000);
    begin().resume();
    await clock.runUntil(() => results().length > 0, 600_000);
    expect(results()).toStrictEqual([`${commandIdFor(3)} done`]);
    expect([stateOf(web), stateOf(web, "h2")]).toStrictEqual(["absent", "running"]);
  });

  it("a migration that still runs is followed to its end", async () => {
    const { clock, world, kill, start: begin, runner, results, stateOf } = await withRunningVm();
    world.setGuest(web, { dirtyBytesPerSecond: 0n });
    runner.receive(aCommand(3, { ...migrate, bandwidthMibPerSecond: 100 }));
    await clock.runFor(2_000);
    await kill();
    const next = begin();
    next.resume();
    await clock.runFor(1_000);
    expect(results()).toStrictEqual([]);
    await clock.runUntil(() => results().length > 0, 600_000);
    expect(results()).toStrictEqual([`${commandIdFor(3)} done`]);
    expect([stateOf(web), stateOf(web, "h2")]).toStrictEqual(["absent", "running"]);
  });

  it("and the power failed, a migration's outcome is left open", async () => {
    const { clock, world, kill, start: begin, runner, results } = await withRunningVm();
    runner.receive(aCommand(3, { ...migrate, bandwidthMibPerSecond: 100 }));
    await clock.runFor(2_000);
    await kill();
    world.powerCut("h1");
    await clock.runFor(5_000);
    world.boot("h1");
    begin().resume();
    await clock.runUntil(() => results().length > 0, 600_000);
    expect(results()).toStrictEqual([`${commandIdFor(3)} interrupted`]);
  });
});
