/** Calls per second, one after the other and 64 at once, and what each costs the client. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { connect, type Hypervisor } from "../src/index.ts";
import type { Peers } from "./peers.ts";
import type { Row } from "./report.ts";
import { compare, interleave, timed, type Contestant, type Rounds } from "./rounds.ts";

const run = promisify(execFile);

export interface RoundTripTarget {
  readonly socketPath: string;
  /** For libvirt's own clients. */
  readonly uri: string;
  readonly daemonCpu: () => number;
}

/** 64 slots: four on each connection, as libvirtd's defaults allow. */
const POOL = { maxConnections: 16, maxInFlight: 4, keepalive: false } as const;
const ROUNDS = 15;
const SERIAL_CALLS = 1_000;
const POOLED_CALLS = 4_096;
const VIRSH_CALLS = 20;

function ours(hypervisor: Hypervisor, width: number, count: number): Contestant {
  const oneAfterTheOther = async () => {
    for (let i = 0; i < count / width; i++) await hypervisor.nodeGetInfo();
  };
  const work = () => Promise.all(Array.from({ length: width }, oneAfterTheOther));
  return { name: "ours", run: () => timed(work) };
}

export async function benchRoundTrips(
  target: RoundTripTarget,
  peers: Peers,
): Promise<readonly Row[]> {
  const daemon = { socketPath: target.socketPath, uri: "test:///default" };
  await using hypervisor = await connect(daemon, POOL);
  await using c = peers.c?.(target.uri);
  await using unraid = peers.unraid?.(target.uri);
  const others = (order: string, count: number) =>
    [c, unraid].flatMap((peer) => (peer ? [peer.contestant(order, count)] : []));
  const serial = [ours(hypervisor, 1, SERIAL_CALLS), ...others("serial", SERIAL_CALLS)];
  const pooled = [ours(hypervisor, 64, POOLED_CALLS), ...others("parallel", POOLED_CALLS)];
  // Compiles the code, and lets the pool and the threads grow.
  for (const { run: warmUp } of [...serial, ...pooled, ...pooled, ...pooled]) await warmUp();
  const options = { rounds: ROUNDS, daemonCpu: target.daemonCpu };
  const serialRounds = await interleave(serial, options);
  const pooledRounds = await interleave(pooled, options);
  const virsh = await virshPerSecond(target);
  return [
    ...serialRows(serialRounds),
    virshRow(serialRounds.get("ours") ?? [], virsh),
    ...pooledRows(pooledRounds),
  ];
}

function serialRows(rounds: ReadonlyMap<string, Rounds>): readonly Row[] {
  const common = {
    what: "serial calls/s",
    units: SERIAL_CALLS,
    side: "time",
    shown: "rate",
    ours: rounds.get("ours"),
  } as const;
  return [
    compare({ ...common, theirs: rounds.get("@unraid"), peer: "@unraid", bar: 1.1 }),
    compare({ ...common, theirs: rounds.get("C"), peer: "C", bar: null }),
  ];
}

function pooledRows(rounds: ReadonlyMap<string, Rounds>): readonly Row[] {
  const common = { units: POOLED_CALLS, ours: rounds.get("ours") };
  const unraid = { ...common, theirs: rounds.get("@unraid"), peer: "@unraid" };
  const c = { ...common, theirs: rounds.get("C"), peer: "C, 64 threads" };
  const calls = { what: "64 in flight, calls/s", side: "time", shown: "rate" } as const;
  const client = { what: "client CPU, us/call", side: "client", shown: 1e6 } as const;
  const both = { what: "client and daemon CPU, us/call", side: "both", shown: 1e6 } as const;
  return [
    compare({ ...unraid, ...calls, bar: 1.8 }),
    compare({ ...c, ...calls, bar: null }),
    compare({ ...unraid, ...client, bar: 2 }),
    compare({ ...c, ...client, bar: null }),
    compare({ ...unraid, ...both, bar: null }),
    compare({ ...c, ...both, bar: null }),
  ];
}

/** A process for every call, which is what there was before. */
async function virshPerSecond({ uri }: RoundTripTarget): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < VIRSH_CALLS; i++) await run("virsh", ["-c", uri, "nodeinfo"]);
  return (VIRSH_CALLS / (performance.now() - start)) * 1000;
}

function virshRow(rounds: Rounds, perSecond: number): Row {
  const alone = { units: SERIAL_CALLS, side: "time", shown: "rate", ours: rounds } as const;
  const row = compare({
    ...alone,
    what: "serial calls/s",
    theirs: undefined,
    peer: "virsh",
    bar: 100,
  });
  return { ...row, theirs: perSecond };
}
