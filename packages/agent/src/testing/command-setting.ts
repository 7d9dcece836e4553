/** A simulated host whose command runner is driven by hand, and the commands it is given. */
import type { Command, CommandAction, CommandProgress, CommandResult, VmId } from "@muster/model";
import { CommandRunner } from "../commands/command-runner.ts";
import type { SimulatedHypervisor } from "../hypervisor/simulated/simulated-hypervisor.ts";
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
} from "./agent-setting.ts";

export const web = vmIdOf(1);

/** A host whose agent can be killed and started again on the same journal. */
export function commandSetting() {
  const { clock, world, hypervisorOf, newDriver } = simulatedHosts();
  const journal = new MemoryJournal();
  const sent: (CommandProgress | CommandResult)[] = [];
  let hypervisor: SimulatedHypervisor | undefined;
  let runner: CommandRunner | undefined;
  const start = (): CommandRunner => {
    hypervisor = hypervisorOf("h1");
    const { log } = keptLog();
    let isOver = false;
    const mine = hypervisor;
    runner = new CommandRunner({
      hypervisor,
      networks: newDriver(),
      bulk: { openBulk: () => new Promise(() => undefined) },
      ...noHelp,
      clock,
      // A dead process writes nothing.
      journal: {
        entries: () => journal.entries(),
        find: (id) => journal.find(id),
        begin: (command) => (isOver ? new Promise(() => undefined) : journal.begin(command)),
        finish: (result) => (isOver ? new Promise(() => undefined) : journal.finish(result)),
        forget: (id) => (isOver ? new Promise(() => undefined) : journal.forget(id)),
      },
      log,
      assignedNetwork: () => undefined,
      clusterId: () => clusterId,
      ended: () => undefined,
      send: (message) => {
        if (!isOver) sent.push(message);
      },
    });
    kill = async () => {
      isOver = true;
      await mine[Symbol.asyncDispose]();
    };
    return runner;
  };
  let kill: () => Promise<void> = async () => undefined;
  const results = (): readonly string[] =>
    sent.flatMap((message) =>
      message.kind === "result" ? [`${message.commandId} ${message.error?.code ?? "done"}`] : [],
    );
  const run = async (command: Command): Promise<string> => {
    const before = results().length;
    runner?.receive(command);
    await clock.runUntil(() => results().length > before, 3_600_000);
    return results().at(-1)?.split(" ")[1] ?? "";
  };
  const stateOf = (vmId: VmId, host = "h1"): string =>
    world.domains(host).find(({ id }) => id === vmId)?.state ?? "absent";
  return { clock, world, journal, sent, start, kill: () => kill(), results, run, stateOf };
}

export const define: CommandAction = {
  kind: "define-vm",
  vmId: web,
  spec: aSpec("web"),
  generation: 1,
};
export const start: CommandAction = { kind: "start-vm", vmId: web, spec: aSpec("web") };
export const forceStop: CommandAction = { kind: "stop-vm", vmId: web, force: true, graceMs: 0 };
export const stop: Extract<CommandAction, { kind: "stop-vm" }> = {
  kind: "stop-vm",
  vmId: web,
  force: false,
  graceMs: 30_000,
};
export const remove: CommandAction = {
  kind: "delete-vm",
  vmId: web,
  deleteVolumes: true,
  spec: aSpec("web"),
};
export const migrate: Extract<CommandAction, { kind: "migrate-vm" }> = {
  kind: "migrate-vm",
  vmId: web,
  targetUri: "qemu+tls://h2/system",
  bandwidthMibPerSecond: 0,
  autoConverge: false,
  copyStorage: false,
  tls: true,
  downtimeLimitMs: 0,
  migrationAddress: "",
};

export async function withRunningVm() {
  const it = commandSetting();
  const runner = it.start();
  await it.run(aCommand(1, define));
  await it.run(aCommand(2, start));
  for (const number of [1, 2]) await runner.acknowledge(commandIdFor(number));
  it.sent.length = 0;
  return { ...it, runner };
}
