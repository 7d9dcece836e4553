/**
 * `npm run bench -- snapshot [HOSTS] [VMS]`: what the snapshot of a decision and its hash cost, made whole and kept up
 * to date. CPU time of this process, medians.
 */
import { GIB, parseClusterId, type VmUsage } from "@muster/model";
import { openPlanner, place, snapshotHash } from "@muster/planner";
import { SimulatedClock } from "@muster/runtime";
import { Ledger, put, type RecordChange } from "../../packages/coordinator/src/ledger/ledger.ts";
import { MeasuredVms } from "../../packages/coordinator/src/observations/measured-vms.ts";
import { Observations } from "../../packages/coordinator/src/observations/observations.ts";
import { clusterSnapshot } from "../../packages/coordinator/src/planning/cluster-snapshot.ts";
import { SnapshotKeeper } from "../../packages/coordinator/src/planning/snapshot-keeper.ts";
import { SqliteStore } from "../../packages/coordinator/src/store/sqlite-store.ts";
import { TRANSACTION_RECORDS_MAX } from "../../packages/coordinator/src/store/store.ts";
import {
  aHello,
  aHost,
  aReport,
  aVm,
  hostIdOf,
  onHost,
  seen,
} from "../../packages/coordinator/src/testing/builders.ts";

const [hostCount = 1_000, vmCount = 20_000] = process.argv.slice(2).map(Number);
const perHost = Math.ceil(vmCount / hostCount);
const capacity = { cpuOvercommit: 4, memoryReservedBytes: GIB, vmsPerHostMax: 500 };
const ROUNDS = 200;

const usage = (cpuSeconds: number): VmUsage => ({
  cpuTimeNs: BigInt(Math.round(cpuSeconds * 1e9)),
  residentBytes: GIB,
  diskReadBytes: 0n,
  diskWriteBytes: 0n,
  diskReadRequests: 0n,
  diskWriteRequests: 0n,
  networkReceiveBytes: 0n,
  networkTransmitBytes: 0n,
});

const hostOf = (vm: number): number => Math.ceil(vm / perHost);
const vmsOf = (host: number): readonly number[] =>
  Array.from({ length: perHost }, (_, index) => (host - 1) * perHost + index + 1).filter(
    (vm) => vm <= vmCount,
  );

const clock = new SimulatedClock();
await using store = SqliteStore.open(":memory:");
const clusterId = parseClusterId("00000000-0000-4000-8000-000000000001");
const ledger = await Ledger.open(store, () => clusterId);
const observations = new Observations(clock);
const measured = new MeasuredVms();
const keeper = new SnapshotKeeper({ ledger, observations, measured, capacity });

const numbers = (count: number): readonly number[] =>
  Array.from({ length: count }, (_, index) => index + 1);
const records: readonly RecordChange[] = [
  ...numbers(hostCount).map((host) => put("host", aHost(host))),
  ...numbers(vmCount).map((vm) => put("vm", aVm(vm, { placement: onHost(hostOf(vm)) }))),
];
for (let from = 0; from < records.length; from += TRANSACTION_RECORDS_MAX) {
  const changes = records.slice(from, from + TRANSACTION_RECORDS_MAX);
  await ledger.transact(() => ({ changes, result: undefined }));
}
let beat = 0;
function report(host: number): void {
  beat += 1;
  const vms = vmsOf(host).map((vm) => seen(vm, { usage: usage(beat / 10) }));
  if (observations.get(hostIdOf(host)) === undefined) {
    observations.sessionOpened(hostIdOf(host), aHello);
  }
  observations.fullReport(hostIdOf(host), aReport(vms));
}
for (const host of numbers(hostCount)) report(host);

function milliseconds(act: () => void): number {
  const before = process.cpuUsage();
  act();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

async function rounds(
  count: number,
  change: (round: number) => Promise<void> | void,
  act: () => void,
) {
  const times: number[] = [];
  for (let round = 0; round < count; round += 1) {
    await clock.runFor(5_000);
    await change(round);
    times.push(milliseconds(act));
  }
  return median(times);
}

const take = (): void => {
  snapshotHash(keeper.take());
};
const changeVm = async (round: number): Promise<void> => {
  const vm = aVm(1 + (round % vmCount), {
    placement: onHost(hostOf(1 + (round % vmCount)), round),
  });
  const cpus = 1 + (round % 4);
  const next = { ...vm, spec: { ...vm.spec, cpus } };
  await ledger.transact(() => ({ changes: [put("vm", next)], result: undefined }));
};

const nothing = (): void => undefined;
const twentyReports = (round: number): void => {
  for (let host = 0; host < 20; host += 1) report(1 + ((round * 20 + host) % hostCount));
};
const whole = await rounds(5, nothing, () => {
  snapshotHash(clusterSnapshot(ledger.view, observations, capacity, measured.get.bind(measured)));
});
take();
const rows = [
  ["made whole, and hashed", whole],
  ["kept, nothing changed", await rounds(ROUNDS, nothing, take)],
  ["kept, one VM changed", await rounds(ROUNDS, changeVm, take)],
  [
    "kept, one host reported",
    await rounds(
      ROUNDS,
      (round) => {
        report(1 + (round % hostCount));
      },
      take,
    ),
  ],
  ["kept, 20 hosts reported", await rounds(ROUNDS, twentyReports, take)],
] as const;
const asked = {
  vm: { id: "asked", name: "asked", cpus: 2, memoryBytes: 2n * GIB, networks: [] },
};
const decide = (): void => {
  place(keeper.take(), asked);
};
const decideWhole = (): void => {
  openPlanner(keeper.take()).place(asked);
};
decide();
const decisions = [
  ["accounts opened whole", await rounds(20, changeVm, decideWhole)],
  ["kept, one VM changed", await rounds(ROUNDS, changeVm, decide)],
  ["kept, 20 hosts reported", await rounds(ROUNDS, twentyReports, decide)],
] as const;
console.log(`${String(hostCount)} hosts, ${String(vmCount)} VMs; median CPU milliseconds`);
for (const [what, ms] of rows) console.log(`  ${what.padEnd(26)} ${ms.toFixed(3)}`);
console.log("a decision where a VM goes, snapshot included");
for (const [what, ms] of decisions) console.log(`  ${what.padEnd(26)} ${ms.toFixed(3)}`);
