/** Goal: one leader at most, nothing acknowledged lost, a deposed leader that writes nothing, standbys that keep up. */
import type { MusterError } from "@muster/model";
import { describe, expect, it } from "vitest";
import { put } from "../ledger/ledger.ts";
import { aHost } from "../testing/builders.ts";
import { TestMembers, type TestMember } from "../testing/members.ts";

/** Resolves with the error's code, or "stored". */
const cordon = async ({ member }: TestMember, number: number): Promise<string> =>
  member.coordinator.ledger
    .transact(() => ({ changes: [put("host", aHost(number))], result: "stored" }))
    .catch((error: unknown) => (error as MusterError).code);

const hostsOf = ({ member }: TestMember): readonly string[] =>
  [...member.coordinator.ledger.view.hosts.values()].map(({ name }) => name).toSorted();

async function three(): Promise<TestMembers & { first: TestMember; others: TestMember[] }> {
  const members = new TestMembers();
  for (const name of ["c1", "c2", "c3"]) await members.add(name);
  const first = await members.untilLed();
  await members.clock.runFor(2_000);
  const others = members.all.filter((member) => member !== first);
  return Object.assign(members, { first, others });
}

async function during<Result>(members: TestMembers, work: Promise<Result>): Promise<Result> {
  let isDone = false;
  const done = (): void => {
    isDone = true;
  };
  void work.then(done, done);
  await members.clock.runUntil(() => isDone, 30_000);
  return work;
}

describe("coordinators on one store", () => {
  it("make one cluster, led by one of them, and the others see what it does", async () => {
    await using members = await three();
    const { first, others } = members;
    expect(await during(members, cordon(first, 1))).toBe("stored");
    await members.clock.runFor(1_500);
    for (const other of others) {
      expect(other.member.role).toBe("standby");
      expect(hostsOf(other)).toStrictEqual([aHost(1).name]);
      expect(other.member.coordinator.ledger.view.cluster).toStrictEqual(
        first.member.coordinator.ledger.view.cluster,
      );
      expect(other.member.ageMs).toBeLessThan(2_000);
    }
    expect(first.member.ageMs).toBe(0);
  });

  it("refuse to write on a standby, and name the leader", async () => {
    await using members = await three();
    const standby = members.others[0] ?? members.first;
    const asked = standby.member.coordinator.ledger.transact(() => ({
      changes: [put("host", aHost(1))],
      result: undefined,
    }));
    await expect(asked).rejects.toMatchObject({
      code: "not-leader",
      message: `the coordinator ${standby.name} is a standby`,
      hint: `ask the leader, ${members.first.name} at https://${members.first.name}:7443`,
      leaderAddresses: [`https://${members.first.name}:7443`],
    });
    expect(hostsOf(standby)).toStrictEqual([]);
  });

  it("are led by another within seconds when the leader is cut off from the store", async () => {
    await using members = await three();
    const { first } = members;
    await during(members, cordon(first, 1));
    members.quorum.cutOff(first.name);
    const beganMs = members.clock.now();
    await members.clock.runUntil(() => !members.leaders.includes(first.name), 10_000);
    const next = await members.untilLed();
    expect(next.name).not.toBe(first.name);
    expect(members.clock.now() - beganMs).toBeLessThan(8_000);
    expect(await during(members, first.over)).toMatchObject({ code: "not-leader" });
    expect(await during(members, cordon(first, 2))).toBe("not-leader");
    expect(hostsOf(next)).toStrictEqual([aHost(1).name]);
  });

  it("write nothing for a leader that was stopped, overtaken and goes on", async () => {
    await using members = await three();
    const { first } = members;
    await during(members, cordon(first, 1));
    // Decided just before it was stopped; on its way when it goes on.
    first.clock.stop();
    const late = cordon(first, 2);
    const next = await (async () => {
      await members.clock.runUntil(() => !members.leaders.includes(first.name), 10_000);
      return members.untilLed();
    })();
    expect(await during(members, cordon(next, 3))).toBe("stored");
    first.clock.continue();
    expect(await during(members, late)).toBe("not-leader");
    expect(await during(members, cordon(first, 4))).toBe("not-leader");
    expect(await during(members, first.over)).toMatchObject({ code: "not-leader" });
    expect(hostsOf(next)).toStrictEqual([aHost(1).name, aHost(3).name]);
  });

  it("hand over at once when the leader is asked to stop", async () => {
    await using members = await three();
    const { first } = members;
    await during(members, cordon(first, 1));
    const beganMs = members.clock.now();
    await during(members, first.member.stop());
    const next = await members.untilLed();
    expect(members.clock.now() - beganMs).toBeLessThan(1_500);
    expect(hostsOf(next)).toStrictEqual([aHost(1).name]);
  });

  it("show how old a copy is that cannot be renewed, and catch up", async () => {
    await using members = await three();
    const { first, others } = members;
    const standby = others[0] ?? first;
    members.quorum.cutOff(standby.name);
    await during(members, cordon(first, 1));
    await members.clock.runFor(60_000);
    expect(standby.member.ageMs).toBeGreaterThan(58_000);
    expect(hostsOf(standby)).toStrictEqual([]);
    members.quorum.reconnect(standby.name);
    await members.clock.runFor(10_000);
    expect(hostsOf(standby)).toStrictEqual([aHost(1).name]);
    expect(standby.member.ageMs).toBeLessThan(3_000);
  });

  it("acknowledge nothing without a quorum, and go on when it is back", async () => {
    await using members = await three();
    const { first, others } = members;
    members.quorum.setQuorum(false);
    expect(await during(members, cordon(first, 1))).toBe("unreachable");
    await members.clock.runFor(10_000);
    expect(members.leaders).toStrictEqual([]);
    members.quorum.setQuorum(true);
    const next = await members.untilLed();
    expect(others).toContain(next);
    expect(await during(members, cordon(next, 2))).toBe("stored");
    expect(hostsOf(next)).toStrictEqual([aHost(2).name]);
  });

  it.each(Array.from({ length: 10 }, (_, index) => index + 1))(
    "never lose what was acknowledged nor lead twice, whatever happens to them: seed %i",
    async (seed) => {
      await using members = new TestMembers(seed);
      for (const name of ["c1", "c2", "c3"]) await members.add(name);
      const acknowledged = new Set<string>();
      let number = 0;
      for (let round = 0; round < 12; round += 1) {
        const victim = members.all[(seed + round * 7) % members.all.length];
        if (victim === undefined) throw new Error("there are members");
        const trouble = (seed * 31 + round * 17) % 4;
        if (trouble === 0) members.quorum.cutOff(victim.name);
        if (trouble === 1) victim.clock.stop();
        if (trouble === 2) members.quorum.setQuorum(false);
        for (let count = 0; count < 3; count += 1) {
          for (const one of members.all.filter(({ member }) => member.role === "leader")) {
            const mine = (number += 1);
            void cordon(one, mine).then((outcome) => {
              if (outcome === "stored") acknowledged.add(aHost(mine).name);
            });
          }
          await members.clock.runFor(1_300);
          expect(members.leaders.length).toBeLessThan(2);
        }
        members.quorum.setQuorum(true);
        members.quorum.reconnect(victim.name);
        victim.clock.continue();
        // A coordinator that no longer leads begins anew.
        for (const one of members.all.filter(({ member }) => member.role === "over")) {
          members.all.splice(members.all.indexOf(one), 1);
          await members.add(`${one.name}'`);
        }
      }
      const last = await members.untilLed(30_000);
      await members.clock.runFor(5_000);
      expect(hostsOf(last)).toStrictEqual(expect.arrayContaining([...acknowledged]));
      expect(acknowledged.size).toBeGreaterThan(3);
    },
  );
});
