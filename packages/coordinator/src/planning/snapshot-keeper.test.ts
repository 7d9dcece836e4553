/** Goal: what the keeper gives is `clusterSnapshot` at that moment, and so is its hash. Method: random histories. */
import {
  DEFAULT_POLICY,
  GIB,
  type ClaimRecord,
  type NetworkRecord,
  type RuleRecord,
} from "@muster/model";
import { renderSnapshot, snapshotHash } from "@muster/planner";
import { SimulatedClock } from "@muster/runtime";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Ledger, put, remove, type RecordChange } from "../ledger/ledger.ts";
import { MeasuredVms } from "../observations/measured-vms.ts";
import { Observations } from "../observations/observations.ts";
import { SqliteStore } from "../store/sqlite-store.ts";
import {
  aHello,
  aHost,
  aNetwork,
  aReport,
  aVm,
  clusterId,
  hostIdOf,
  onHost,
  readyNetwork,
  seen,
  vmIdOf,
} from "../testing/builders.ts";
import { clusterSnapshot } from "./cluster-snapshot.ts";
import { SnapshotKeeper } from "./snapshot-keeper.ts";

const capacity = { cpuOvercommit: 4, memoryReservedBytes: GIB, vmsPerHostMax: 100 };

const aClaim = (number: number, host: number): ClaimRecord => ({
  id: vmIdOf(100 + number),
  name: `claim-${String(number)}`,
  cpus: 1,
  memoryBytes: GIB,
  networks: [],
  hostId: hostIdOf(host),
  createdAt: "",
  createdBy: "",
  expiresAt: "",
});

const aRule = (number: number): RuleRecord => ({
  spec: {
    name: `rule-${String(number)}`,
    group: "db",
    mode: "spread",
    strength: "required",
    level: "host",
    max: number,
  },
  createdAt: "",
});

const small = fc.integer({ min: 1, max: 3 });
const net = (number: number, change: Partial<NetworkRecord> = {}): NetworkRecord =>
  aNetwork(`net-${String(number)}`, change);

const anyChange: fc.Arbitrary<RecordChange> = fc.oneof(
  fc.tuple(small, fc.boolean()).map(([n, cordoned]) => put("host", aHost(n, { cordoned }))),
  small.map((n) => remove("host", aHost(n))),
  fc
    .tuple(small, small, small)
    .map(([n, on, to]) =>
      put("vm", aVm(n, { placement: onHost(on), ...(to === on ? {} : { target: onHost(to, 2) }) })),
    ),
  small.map((n) =>
    put("vm", aVm(n, { placement: onHost(1), rules: { groups: ["db"], home: hostIdOf(2) } })),
  ),
  small.map((n) => remove("vm", aVm(n))),
  fc.tuple(small, fc.boolean()).map(([n, removing]) => put("network", net(n, { removing }))),
  fc.tuple(small, small).map(([n, host]) => put("claim", aClaim(n, host))),
  small.map((n) => remove("claim", aClaim(n, 1))),
  small.map((n) => put("rule", aRule(n))),
  small.map((n) => remove("rule", aRule(n))),
  small.map((count) => put("policy", { ...DEFAULT_POLICY, survive: { level: "host", count } })),
);

type Happening =
  | { readonly kind: "change"; readonly change: RecordChange }
  | {
      readonly kind: "report";
      readonly host: number;
      readonly vms: readonly number[];
      readonly cpu: number;
    }
  | { readonly kind: "delta"; readonly host: number; readonly vm: number; readonly isGone: boolean }
  | {
      readonly kind: "probed";
      readonly host: number;
      readonly peer: number;
      readonly heard: number;
    }
  | { readonly kind: "silence"; readonly forMs: number }
  | { readonly kind: "open" | "close" | "forget" | "heartbeat"; readonly host: number };

const anyHappening: fc.Arbitrary<Happening> = fc.oneof(
  { arbitrary: anyChange.map((change) => ({ kind: "change" as const, change })), weight: 4 },
  fc.record({
    kind: fc.constant("report" as const),
    host: small,
    vms: fc.uniqueArray(small),
    cpu: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  fc.record({ kind: fc.constant("delta"), host: small, vm: small, isGone: fc.boolean() }),
  fc.record({
    kind: fc.constant("probed"),
    host: small,
    peer: small,
    heard: fc.constantFrom(0, 5),
  }),
  // A host is lost after silence alone, and nobody tells.
  fc.record({ kind: fc.constant("silence"), forMs: fc.integer({ min: 1, max: 120_000 }) }),
  fc.record({ kind: fc.constantFrom("open", "close", "forget", "heartbeat"), host: small }),
);

describe("the keeper of snapshots", () => {
  it("gives what the whole cluster would give, whatever happened since it was asked last", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(anyHappening, fc.boolean()), { maxLength: 40 }),
        async (history) => {
          const clock = new SimulatedClock();
          await using store = SqliteStore.open(":memory:");
          const ledger = await Ledger.open(store, () => clusterId);
          const observations = new Observations(clock);
          const measured = new MeasuredVms();
          const keeper = new SnapshotKeeper({ ledger, observations, measured, capacity });
          for (const [happening, isAsked] of history) {
            await clock.runFor(20_000);
            if (happening.kind === "silence") await clock.runFor(happening.forMs);
            else await play(happening, { ledger, observations });
            if (!isAsked) continue;
            const use = measured.get.bind(measured);
            const whole = clusterSnapshot(ledger.view, observations, capacity, use);
            const kept = keeper.take();
            expect(renderSnapshot(kept)).toBe(renderSnapshot(whole));
            expect(snapshotHash(kept)).toBe(snapshotHash(whole));
            expect(keeper.take()).toBe(kept);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

async function play(
  happening: Exclude<Happening, { readonly kind: "silence" }>,
  { ledger, observations }: { readonly ledger: Ledger; readonly observations: Observations },
): Promise<void> {
  if (happening.kind === "change") {
    const { change } = happening;
    await ledger.transact(() => ({ changes: [change], result: undefined }));
    return;
  }
  const hostId = hostIdOf(happening.host);
  switch (happening.kind) {
    case "open":
      observations.sessionOpened(hostId, aHello);
      return;
    case "close":
      observations.sessionClosed(hostId);
      return;
    case "forget":
      observations.forget(hostId);
      return;
    case "heartbeat":
      observations.heartbeat(hostId, true);
      return;
    case "delta": {
      const { sequence = 0n } = observations.get(hostId) ?? {};
      const { vm, isGone } = happening;
      observations.deltaReport(hostId, {
        kind: "delta-report",
        sequence: sequence + 1n,
        vms: isGone ? [] : [seen(vm)],
        removedVms: isGone ? [vmIdOf(vm)] : [],
        networks: isGone ? [] : [readyNetwork("net-2")],
      });
      return;
    }
    case "probed": {
      const { peer, heard } = happening;
      const row = { network: "net-1", peer: hostIdOf(peer), sent: 5, roundTripUs: 0 };
      observations.probed(hostId, [{ ...row, received: heard, mtuBytes: heard * 300 }]);
      return;
    }
    case "report": {
      if (observations.get(hostId)?.connected !== true) observations.sessionOpened(hostId, aHello);
      const usage = {
        cpuTimeNs: BigInt(Math.round(happening.cpu * 1e12)),
        residentBytes: BigInt(Math.round(happening.cpu * 1e9)),
        diskReadBytes: 0n,
        diskWriteBytes: 0n,
        diskReadRequests: 0n,
        diskWriteRequests: 0n,
        networkReceiveBytes: 0n,
        networkTransmitBytes: 0n,
      };
      const vms = happening.vms.map((n) => seen(n, { usage }));
      const load = { load1m: 0, memoryAvailableBytes: GIB, cpuUsedRatio: happening.cpu };
      observations.fullReport(hostId, aReport(vms, { load, networks: [readyNetwork("net-1")] }));
    }
  }
}
