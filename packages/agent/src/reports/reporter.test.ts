import type { AgentMessage, VmUsage } from "@muster/model";
import { describe, expect, it } from "vitest";
import { collectInventory } from "../inventory/collect-inventory.ts";
import { keptLog, simulatedHosts } from "../testing/agent-setting.ts";
import { watchChanges } from "./change-watcher.ts";
import { Reporter } from "./reporter.ts";

const noUsage: VmUsage = {
  cpuTimeNs: 5n,
  residentBytes: 0n,
  diskReadBytes: 0n,
  diskWriteBytes: 0n,
  diskReadRequests: 0n,
  diskWriteRequests: 0n,
  networkReceiveBytes: 0n,
  networkTransmitBytes: 0n,
};

function setting() {
  const { clock, world, hypervisorOf } = simulatedHosts();
  const hypervisor = hypervisorOf("h1");
  const { log, lines } = keptLog();
  const system = world.system("h1");
  let looks = 0;
  const watch = {
    list: () => hypervisor.list(),
    observe: (vmId: Parameters<typeof hypervisor.observe>[0]) => {
      looks += 1;
      return hypervisor.observe(vmId);
    },
    sample: () => hypervisor.sample(),
    changes: (signal: AbortSignal) => hypervisor.changes(signal),
    isAlive: (timeoutMs: number) => hypervisor.isAlive(timeoutMs),
  };
  const reporter = new Reporter({
    watch,
    inventory: () => collectInventory({ hypervisor, system, agentVersion: "0.1.0" }),
    load: () => system.readLoad(),
    networks: () => [],
    hostNetwork: () => undefined,
    runningCommandIds: () => [],
    log,
  });
  const sent: AgentMessage[] = [];
  const told = (): readonly string[] =>
    sent.map((message) => {
      if (message.kind === "full-report") {
        return `full ${String(message.sequence)}: ${message.vms.map(({ state }) => state).join(" ")}`;
      }
      if (message.kind !== "delta-report") return message.kind;
      const states = message.vms.map(({ state }) => state);
      const gone = message.removedVms.map(() => "gone");
      return `delta ${String(message.sequence)}: ${[...states, ...gone].join(" ")}`;
    });
  const look = async (vmId: Parameters<typeof hypervisor.observe>[0]): Promise<void> => {
    reporter.reportVm(vmId, () => undefined);
    await clock.runFor(1_000);
  };
  const full = async (): Promise<void> => {
    const reported = reporter.reportFully();
    await clock.runFor(1_000);
    await reported;
  };
  const open = (): void => {
    reporter.open((message) => sent.push(message));
  };
  return {
    clock,
    world,
    watch,
    reporter,
    sent,
    told,
    look,
    full,
    open,
    lines,
    looks: () => looks,
    log,
  };
}

describe("reports", () => {
  it("begin with everything and go on with what differs, numbered without a gap", async () => {
    const { world, told, look, full, open } = setting();
    const vmId = world.defineWild("h1", { name: "web", running: true });
    open();
    await look(vmId);
    expect(told()).toStrictEqual([]);
    await full();
    await look(vmId);
    world.virsh("h1", vmId, "suspend");
    await look(vmId);
    await look(vmId);
    world.virsh("h1", vmId, "destroy");
    world.virsh("h1", vmId, "undefine");
    await look(vmId);
    await full();
    expect(told()).toStrictEqual([
      "full 1: running",
      "delta 2: paused",
      "delta 3: gone",
      "full 4: ",
    ]);
  });

  it("begin anew with every session", async () => {
    const { reporter, told, full, open } = setting();
    open();
    await full();
    reporter.close();
    await full();
    open();
    await full();
    expect(told()).toStrictEqual(["full 1: ", "full 1: "]);
  });

  it("carry the last sample of use, but not of a VM that has stopped", async () => {
    const { world, reporter, sent, look, full, open } = setting();
    const vmId = world.defineWild("h1", { name: "web", running: true });
    open();
    reporter.sampled(new Map([[vmId, noUsage]]));
    await full();
    world.virsh("h1", vmId, "destroy");
    await look(vmId);
    const usages = sent.flatMap((message) =>
      message.kind === "full-report" || message.kind === "delta-report"
        ? message.vms.map(({ usage }) => usage?.cpuTimeNs)
        : [],
    );
    expect(usages).toStrictEqual([5n, undefined]);
  });

  it("that fail are told to whoever asked, and the next one works", async () => {
    const { clock, world, reporter, told, full, open, lines, look } = setting();
    const vmId = world.defineWild("h1", { name: "web", running: true });
    open();
    world.inject("h1", { operation: "list", times: 1, effect: { kind: "fail" } });
    const failing = expect(reporter.reportFully()).rejects.toMatchObject({
      code: "hypervisor-failed",
    });
    await clock.runFor(1_000);
    await failing;
    await full();
    world.inject("h1", { operation: "observe", times: 1, effect: { kind: "fail" } });
    await look(vmId);
    expect(lines).toStrictEqual(["warn a VM could not be looked at"]);
    expect(told()).toStrictEqual(["full 1: running"]);
  });
});

describe("the watcher of changes", () => {
  it("looks once more, however many events come while it looks, and tells of every gap", async () => {
    const { clock, world, watch, reporter, told, open, looks, log, full } = setting();
    const vmId = world.defineWild("h1", { name: "web", running: true });
    open();
    await full();
    const stop = new AbortController();
    let gaps = 0;
    const onGap = (): void => {
      gaps += 1;
    };
    const watching = watchChanges({ watch, reporter, clock, onGap, log }, stop.signal);
    await clock.runFor(100);
    expect(gaps).toBe(1);
    const before = looks();
    for (let round = 0; round < 50; round += 1) {
      world.virsh("h1", vmId, "suspend");
      world.virsh("h1", vmId, "resume");
    }
    world.virsh("h1", vmId, "suspend");
    await clock.runFor(2_000);
    expect(looks() - before).toBeLessThanOrEqual(3);
    expect(told().at(-1)).toMatch(/^delta \d+: paused$/);
    stop.abort();
    await watching;
  });

  it("watches again when the stream of changes breaks", async () => {
    const { clock, watch, reporter, log, lines } = setting();
    const stop = new AbortController();
    let attempts = 0;
    let gaps = 0;
    const breaking = {
      ...watch,
      changes: async function* (): AsyncGenerator<never> {
        attempts += 1;
        yield* [];
        throw new Error("libvirt closed the connection");
      },
    };
    const onGap = (): void => {
      gaps += 1;
    };
    const watching = watchChanges({ watch: breaking, reporter, clock, onGap, log }, stop.signal);
    await clock.runFor(5_500);
    expect([attempts, gaps]).toStrictEqual([6, 5]);
    expect(new Set(lines)).toStrictEqual(new Set(["warn watching for changes broke"]));
    stop.abort();
    await watching;
  });
});
