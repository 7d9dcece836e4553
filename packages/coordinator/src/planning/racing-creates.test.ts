/** Capacity is claimed in the same step as the decision, through the real ledger (S3). */
import { GIB, operationIdFrom, type MusterError } from "@muster/model";
import * as fc from "fast-check";
import { SimulatedClock } from "@muster/runtime";
import { describe, expect, it } from "vitest";
import { Ledger, put } from "../ledger/ledger.ts";
import { Observations } from "../observations/observations.ts";
import { SqliteStore } from "../store/sqlite-store.ts";
import {
  aHost,
  aNetwork,
  anInventory,
  aSpec,
  clusterId,
  hostIdOf,
  onHost,
  readyNetwork,
  report,
  aVm,
  seen,
  vmIdOf,
  viewOf,
  aHostObservation,
} from "../testing/builders.ts";
import { clusterSnapshot, type CapacityPolicy } from "./cluster-snapshot.ts";
import { decideCreate } from "./decide-create.ts";
import { decideMigrate } from "./decide-migrate.ts";

const policy: CapacityPolicy = { cpuOvercommit: 4, memoryReservedBytes: GIB, vmsPerHostMax: 100 };
const WHEN = "2026-01-01T00:00:00.000Z";

describe("twenty creates at once", () => {
  it("never exceed any host's capacity or break a group rule, and all that fit are taken", async () => {
    const wish = fc.record({
      cpus: fc.integer({ min: 1, max: 12 }),
      memory: fc.integer({ min: 1, max: 5 }),
      group: fc.option(fc.constantFrom("one", "two"), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(wish, { minLength: 20, maxLength: 20 }),
        async (hostCount, wishes) => {
          await using store = SqliteStore.open(":memory:");
          const ledger = await Ledger.open(store, () => clusterId);
          const observations = new Observations(new SimulatedClock());
          const numbers = Array.from({ length: hostCount }, (_, index) => index + 1);
          await ledger.transact(() => ({
            changes: numbers.map((number) => put("host", aHost(number))),
            result: undefined,
          }));
          for (const number of numbers) report(observations, number, []);
          const outcomes = await Promise.allSettled(
            wishes.map(({ cpus, memory, group }, index) =>
              ledger.transact((view) => {
                const spec = aSpec(`vm-${String(index)}`, {
                  cpus,
                  memoryBytes: BigInt(memory) * GIB,
                  antiAffinityGroups: group === undefined ? [] : [group],
                });
                const decision = decideCreate(
                  view,
                  {
                    vmId: vmIdOf(index + 1),
                    draft: { ...spec, nics: [] },
                    createdAt: WHEN,
                  },
                  {
                    snapshot: clusterSnapshot(view, observations, policy),
                    wildMacs: new Set(),
                  },
                );
                return { changes: decision.changes(operationIdFrom(index + 1)), result: undefined };
              }),
            ),
          );
          for (const outcome of outcomes) {
            if (outcome.status === "rejected") {
              expect(outcome.reason).toMatchObject({ code: "no-placement" });
              expect((outcome.reason as MusterError).reasons.length).toBeGreaterThan(0);
            }
          }
          for (const number of numbers) {
            const placed = [...ledger.view.vms.values()].filter(
              ({ placement }) => placement?.hostId === hostIdOf(number),
            );
            const cpus = placed.reduce((sum, { spec }) => sum + spec.cpus, 0);
            const memory = placed.reduce((sum, { spec }) => sum + spec.memoryBytes, 0n);
            const groups = placed.flatMap(({ spec }) => spec.antiAffinityGroups);
            expect(cpus).toBeLessThanOrEqual(32);
            expect(memory).toBeLessThanOrEqual(15n * GIB);
            expect(new Set(groups).size).toBe(groups.length);
          }
          const taken = outcomes.filter(({ status }) => status === "fulfilled").length;
          expect(ledger.view.vms.size).toBe(taken);
          expect(taken).toBeGreaterThan(0);
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe("deciding a create", () => {
  const setting = () => {
    const view = viewOf(
      ["host", aHost(1)],
      ["network", aNetwork("blue")],
      ["network", aNetwork("old", { removing: true })],
      ["vm", aVm(7)],
    );
    const observations = new Observations(new SimulatedClock());
    report(observations, 1, [], { networks: [readyNetwork("blue")] });
    const snapshot = clusterSnapshot(view, observations, policy);
    return { view, sources: { snapshot, wildMacs: new Set<string>() } };
  };
  const decide = (change: object, request: object = {}) => {
    const { view, sources } = setting();
    const draft = { ...aSpec("web"), nics: [], ...change };
    return decideCreate(view, { vmId: vmIdOf(1), draft, createdAt: WHEN, ...request }, sources);
  };

  it("claims the place, the name and the addresses in one step", () => {
    const decision = decide({ nics: [{ network: "blue" }, { network: "blue" }] });
    expect(decision.vm.placement).toStrictEqual(onHost(1));
    expect(decision.vm.spec.nics.map(({ mac }) => mac)).toStrictEqual([
      "02:6d:cc:00:00:01",
      "02:6d:cc:00:00:02",
    ]);
    const changes = decision.changes(operationIdFrom(5));
    expect(changes.map(({ kind }) => kind)).toStrictEqual(["vm", "cluster"]);
    expect(changes[0]?.value).toMatchObject({ operationId: operationIdFrom(5), created: false });
    expect(changes[1]?.value).toMatchObject({ macCount: 2 });
  });

  it.each([
    [{ name: "vm-7" }, "already-exists", "there is already a VM named vm-7"],
    [{ nics: [{ network: "red" }] }, "invalid", 'nics[0].network: there is no network "red"'],
    [{ nics: [{ network: "old" }] }, "invalid", "nics[0].network: network old is being removed"],
    [{ memoryBytes: 16n * GIB }, "no-placement", "none of 1 hosts can take VM web"],
    [{ disks: [{ storage: "nfs", sizeBytes: GIB }] }, "no-placement", "none of 1 hosts"],
    [{ machineType: "pc-9" }, "no-placement", "none of 1 hosts can take VM web"],
  ] as const)("%o is refused: %s", (change, code, message) => {
    expect(() => decide(change)).toThrow(
      expect.objectContaining({
        code,
        message: expect.stringContaining(message) as string,
      }) as Error,
    );
  });

  it("says in a cluster without hosts what to do", () => {
    const view = viewOf();
    const snapshot = clusterSnapshot(view, new Observations(new SimulatedClock()), policy);
    const request = { vmId: vmIdOf(1), draft: { ...aSpec("web"), nics: [] }, createdAt: WHEN };
    expect(() => decideCreate(view, request, { snapshot, wildMacs: new Set() })).toThrow(
      expect.objectContaining({
        code: "no-placement",
        message: "there is no host for VM web",
        hint: "enrol a host: muster host invite NAME",
      }) as Error,
    );
  });
});

describe("deciding a move", () => {
  const vm = aVm(1, { placement: onHost(1, 3) });
  const decide = (how: {
    readonly sees?: Parameters<typeof seen>[1] | "nothing";
    readonly host?: Parameters<typeof aHostObservation>[1];
    readonly target?: number;
    readonly storage?: string;
    readonly copyStorage?: boolean;
  }) => {
    const disks = [{ storage: how.storage ?? "shared", sizeBytes: GIB }];
    const moved = { ...vm, spec: { ...vm.spec, disks } };
    const view = viewOf(["host", aHost(1)], ["host", aHost(2)], ["vm", moved]);
    const observations = new Observations(new SimulatedClock());
    const [shared] = anInventory().storages;
    const storages =
      shared === undefined ? [] : [shared, { ...shared, name: "local", shared: false }];
    const inventory = anInventory({ storages });
    const vms = how.sees === "nothing" ? [] : [seen(1, { generation: 3, ...how.sees })];
    report(observations, 1, vms, { inventory });
    report(observations, 2, [], { inventory });
    const sourceHost = aHostObservation(vms, { inventory, ...how.host });
    const snapshot = clusterSnapshot(view, observations, policy);
    const target = how.target === undefined ? {} : { target: aHost(how.target) };
    const request = { vm: moved, copyStorage: how.copyStorage ?? false, ...target };
    return decideMigrate(view, request, { snapshot, sourceHost });
  };

  it("claims the target under the next generation", () => {
    const decision = decide({});
    expect([decision.source.name, decision.target.name, decision.generation]).toStrictEqual([
      "h1",
      "h2",
      4,
    ]);
    expect(decision.changes(operationIdFrom(1))[0]?.value).toMatchObject({
      placement: onHost(1, 3),
      target: onHost(2, 4),
    });
  });

  it("moves a paused VM, and one with a local disk when that may be copied", () => {
    expect(decide({ sees: { state: "paused" } }).target.name).toBe("h2");
    expect(decide({ storage: "local", copyStorage: true }).target.name).toBe("h2");
  });

  it.each([
    [{ sees: { state: "stopped" } }, "wrong-state", "VM vm-1 is stopped on host h1"],
    [{ sees: "nothing" }, "wrong-state", "VM vm-1 is not known on host h1"],
    [{ host: { connected: false } }, "host-offline", "host h1, where VM vm-1 is, is not connected"],
    [{ host: { reported: false } }, "host-offline", "host h1, where VM vm-1 is, is not connected"],
    [{ target: 1 }, "wrong-state", "VM vm-1 is already on host h1"],
    [{ storage: "local" }, "wrong-state", "VM vm-1 has disks that only its host can see"],
  ] as const)("%o is refused: %s", (how, code, message) => {
    expect(() => decide(how)).toThrow(expect.objectContaining({ code, message }) as Error);
  });
});
