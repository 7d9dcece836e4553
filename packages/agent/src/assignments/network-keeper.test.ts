import { noHostNetworking, type NetworkApplied, type NetworkSpec } from "@muster/model";
import { aNetwork } from "@muster/model/testing";
import { seededRandom } from "@muster/runtime";
import { describe, expect, it } from "vitest";
import { keptLog, simulatedHosts } from "../testing/agent-setting.ts";
import type { Assigned } from "./assigned.ts";
import { NetworkKeeper } from "./network-keeper.ts";
import { KeptNetworkMemory } from "./network-memory.ts";

const blue = aNetwork({ name: "blue", vlan: 10 });
const green = aNetwork({ name: "green", vlan: 20 });

function setting() {
  const { bridges, newDriver, clock } = simulatedHosts();
  let assigned: Assigned | undefined;
  let changes = 0;
  let isHeard = true;
  const questions: NetworkApplied[] = [];
  const { log, lines } = keptLog();
  const memory = new KeptNetworkMemory();
  const newKeeper = (driver = newDriver()): NetworkKeeper =>
    new NetworkKeeper({
      driver,
      assigned: () => assigned,
      memory,
      isHeard: () => isHeard,
      send: (question) => {
        questions.push(question);
      },
      clock,
      random: seededRandom(1),
      onChange: () => {
        changes += 1;
      },
      log,
    });
  const keeper = newKeeper();
  const running = new AbortController();
  return {
    keeper,
    newKeeper,
    bridges,
    lines,
    clock,
    questions,
    changes: () => changes,
    pass: (of = keeper) => of.reconcile(running.signal),
    stop: () => {
      running.abort(new Error("stopped"));
    },
    lose: () => {
      isHeard = false;
    },
    /** As a coordinator without transactions does. */
    assign: (...networks: readonly NetworkSpec[]) => {
      assigned = { revision: 1n, networks, vms: [] };
    },
    change: (revision: string, attempt: number, ...networks: readonly NetworkSpec[]) => {
      const hostNetwork = {
        ...noHostNetworking,
        revision,
        attempt,
        confirmTimeoutMs: 10_000,
        overrideProtected: false,
      };
      assigned = { revision: 1n, networks, vms: [], hostNetwork };
    },
    /** Somebody said that the change may cost the host's own traffic. */
    override: () => {
      const { hostNetwork } = assigned ?? {};
      if (assigned === undefined || hostNetwork === undefined) return;
      assigned = { ...assigned, hostNetwork: { ...hostNetwork, overrideProtected: true } };
    },
    newDriver,
  };
}

type Setting = ReturnType<typeof setting>;

/** Lets the pass ask, and answers. */
async function confirmed({
  pass,
  clock,
  questions,
  keeper,
}: Pick<Setting, "pass" | "clock" | "questions" | "keeper">): Promise<void> {
  const passing = pass();
  await clock.runFor(50);
  const question = questions.at(-1);
  if (question === undefined) throw new Error("it did not ask");
  keeper.heard({ ...question, kind: "confirm-network" });
  await clock.runFor(50);
  await passing;
}

async function unheard({ pass, clock }: Setting): Promise<void> {
  const passing = pass();
  await clock.runFor(11_000);
  await passing;
}

const names = ({ bridges }: Pick<Setting, "bridges">): readonly string[] => [
  ...bridges.networks.keys(),
];

describe("the keeper of networks", () => {
  it("does nothing before it knows what was assigned", async () => {
    const { pass, bridges, newDriver, changes } = setting();
    await newDriver().apply([blue]);
    await pass();
    expect([[...bridges.networks.keys()], changes()]).toStrictEqual([["blue"], 0]);
  });

  it("makes what is assigned and removes what no longer is, and says so once", async () => {
    const { keeper, pass, bridges, assign, changes } = setting();
    assign(blue);
    await pass();
    await pass();
    expect(keeper.observed).toMatchObject([{ name: "blue", state: "ready", vlan: 10 }]);
    expect(changes()).toBe(1);
    assign();
    await pass();
    expect([[...bridges.networks.keys()], changes()]).toStrictEqual([[], 2]);
  });

  it("says why a network cannot be made, and makes it when it can", async () => {
    const { keeper, pass, bridges, assign, changes, lines } = setting();
    assign(blue);
    bridges.failNetwork("blue", "no uplink");
    await pass();
    expect(keeper.observed).toMatchObject([{ state: "failed" }]);
    bridges.healNetwork("blue");
    await pass();
    expect(keeper.observed).toMatchObject([{ state: "ready" }]);
    expect([changes(), lines]).toStrictEqual([2, ["warn network failed", "info network is ready"]]);
  });
});

describe("a change of a host's networks", () => {
  it("stays when the coordinator is heard over it", async () => {
    const now = setting();
    now.change("r1", 1, blue);
    await confirmed(now);
    expect(names(now)).toStrictEqual(["blue"]);
    expect(now.keeper.hostNetwork).toMatchObject({
      appliedRevision: "r1",
      attempts: [{ revision: "r1", attempt: 1, state: "confirmed", before: [], reason: "" }],
    });
    await now.pass();
    expect(now.questions.map(({ revision }) => revision)).toStrictEqual(["r1"]);
  });

  it("is undone when nobody answers, with both states and the reason, and left alone then", async () => {
    const now = setting();
    now.change("r1", 1, blue);
    await confirmed(now);
    now.change("r2", 1, green);
    await unheard(now);
    expect(names(now)).toStrictEqual(["blue"]);
    expect(now.keeper.hostNetwork?.appliedRevision).toBe("r1");
    expect(now.keeper.hostNetwork?.attempts.at(-1)).toMatchObject({
      revision: "r2",
      state: "rolled-back",
      reason: "the coordinator was not heard within 10 s",
      before: ["blue: ready, VLAN 10 on sim0"],
      after: ["green: ready, VLAN 20 on sim0"],
    });
    expect(now.keeper.network("blue")).toStrictEqual(blue);
    const asked = now.questions.length;
    await now.pass();
    expect([names(now), now.questions.length]).toStrictEqual([["blue"], asked]);
  });

  it("is tried again when the coordinator counts on, and when it becomes another one", async () => {
    const now = setting();
    now.change("r1", 1, blue);
    await unheard(now);
    now.change("r1", 2, blue);
    await confirmed(now);
    expect(names(now)).toStrictEqual(["blue"]);
    now.change("r3", 1, green);
    await confirmed(now);
    expect(names(now)).toStrictEqual(["green"]);
    now.change("r1", 1, blue);
    await confirmed(now);
    expect(names(now)).toStrictEqual(["blue"]);
  });

  it("takes no answer to another question for its own", async () => {
    const now = setting();
    now.change("r1", 1, blue);
    const passing = now.pass();
    await now.clock.runFor(50);
    now.keeper.heard({ kind: "confirm-network", revision: "r1", attempt: 1, nonce: "of before" });
    now.keeper.heard({ kind: "confirm-network", revision: "r0", attempt: 1, nonce: "n" });
    await now.clock.runFor(11_000);
    await passing;
    expect(names(now)).toStrictEqual([]);
  });

  it("is not begun while there is no session: nobody could answer", async () => {
    const now = setting();
    now.lose();
    now.change("r1", 1, blue);
    await now.pass();
    expect([names(now), now.questions]).toStrictEqual([[], []]);
  });

  it("is undone by the next agent when this one is killed before it was heard", async () => {
    const now = setting();
    now.change("r1", 1, blue);
    await confirmed(now);
    now.change("r2", 1, green);
    const passing = now.pass();
    await now.clock.runFor(50);
    expect(names(now)).toStrictEqual(["green"]);
    now.stop();
    await expect(passing).rejects.toThrow("stopped");
    now.lose();
    const next = now.newKeeper();
    await next.reconcile(new AbortController().signal);
    expect(names(now)).toStrictEqual(["blue"]);
    expect(next.hostNetwork?.attempts.at(-1)).toMatchObject({
      state: "rolled-back",
      reason: "the agent ended before the coordinator was heard",
    });
  });

  it("survives a reboot without a coordinator, once it was confirmed", async () => {
    const now = setting();
    now.change("r1", 1, blue);
    await confirmed(now);
    now.bridges.reboot();
    now.lose();
    await now.newKeeper().reconcile(new AbortController().signal);
    expect(names(now)).toStrictEqual(["blue"]);
  });

  it("goes back to what an earlier coordinator had assigned", async () => {
    const now = setting();
    now.assign(blue);
    await now.pass();
    now.change("r1", 1, green);
    await unheard(now);
    expect(names(now)).toStrictEqual(["blue"]);
  });
});

describe("what carries the host's own traffic", () => {
  function carryingSetting() {
    const all = setting();
    const driver = all.newDriver();
    const apply = driver.apply.bind(driver);
    driver.apply = async (...wanted) =>
      (await apply(...wanted)).map((network) => ({ ...network, carries: ["agent"] }));
    return { ...all, keeper: all.newKeeper(driver) };
  }

  it("is not removed without the override, and nothing is changed", async () => {
    const it = carryingSetting();
    it.change("r1", 1, blue);
    await confirmed({ ...it, pass: () => it.pass(it.keeper) });
    it.change("r2", 1);
    await it.pass(it.keeper);
    expect(names(it)).toStrictEqual(["blue"]);
    expect(it.keeper.hostNetwork?.attempts.at(-1)).toMatchObject({
      revision: "r2",
      state: "refused",
      reason:
        "it removes network blue, which carries the agent's connection to the coordinator: refused without --override-protected",
    });
    expect(it.keeper.hostNetwork?.appliedRevision).toBe("r1");
  });

  it("is removed with the override, and is back when the coordinator is not heard", async () => {
    const it = carryingSetting();
    it.change("r1", 1, blue);
    await confirmed({ ...it, pass: () => it.pass(it.keeper) });
    it.change("r2", 1);
    it.override();
    const passing = it.pass(it.keeper);
    await it.clock.runFor(50);
    expect(names(it)).toStrictEqual([]);
    await it.clock.runFor(11_000);
    await passing;
    expect(names(it)).toStrictEqual(["blue"]);
    expect(it.keeper.hostNetwork?.attempts.at(-1)).toMatchObject({ state: "rolled-back" });
  });
});

describe("a host that starts", () => {
  it("has what was confirmed before VMs start, without a coordinator, whatever is assigned", async () => {
    const it = setting();
    it.change("r1", 1, blue);
    await confirmed(it);
    it.lose();
    it.change("r2", 1, green);
    it.bridges.reboot();
    await it.newKeeper().restore();
    expect(names(it)).toStrictEqual(["blue"]);
  });

  it("undoes what was under way when its power went", async () => {
    const it = setting();
    it.change("r1", 1, blue);
    await confirmed(it);
    it.change("r2", 1, green);
    const passing = it.pass();
    await it.clock.runFor(50);
    expect(names(it)).toStrictEqual(["green"]);
    it.bridges.reboot();
    const next = it.newKeeper();
    await next.restore();
    expect(names(it)).toStrictEqual(["blue"]);
    expect(next.hostNetwork?.attempts.at(-1)).toMatchObject({ state: "rolled-back" });
    it.stop();
    await expect(passing).rejects.toThrow("stopped");
  });

  it("tries what is assigned where nothing was ever confirmed", async () => {
    const it = setting();
    it.assign(blue);
    await it.newKeeper().restore();
    expect(names(it)).toStrictEqual(["blue"]);
  });
});
