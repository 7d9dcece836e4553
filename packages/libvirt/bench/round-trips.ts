/** Calls per second, one after the other and 64 at once, and what each costs the client. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { connect, type Hypervisor } from "../src/index.ts";
import type { Peers } from "./peers.ts";
import { median, type Row } from "./report.ts";

const run = promisify(execFile);

export interface RoundTripTarget {
  readonly socketPath: string;
  /** For libvirt's own clients. */
  readonly uri: string;
}

/** Calls per second and microseconds of CPU per call. */
async function measure(
  hypervisor: Hypervisor,
  { count, width }: { readonly count: number; readonly width: number },
): Promise<readonly [number, number]> {
  const calls = (total: number) =>
    Promise.all(
      Array.from({ length: width }, async () => {
        for (let i = 0; i < total / width; i++) await hypervisor.nodeGetInfo();
      }),
    );
  // Compiles the code, and lets the pool grow.
  await calls(count / 4);
  const cpu = process.cpuUsage();
  const start = performance.now();
  await calls(count);
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return [count / seconds, (user + system) / count];
}

async function unraid(
  directory: string,
  { uri }: RoundTripTarget,
  what: string,
  count: number,
): Promise<readonly number[]> {
  const script = join(import.meta.dirname, "unraid-client.mjs");
  const env = { ...process.env, UV_THREADPOOL_SIZE: "72" };
  const args = [script, directory, uri, what, String(count)];
  const { stdout } = await run(process.execPath, args, { env });
  return stdout.trim().split(" ").map(Number);
}

async function virshPerSecond({ uri }: RoundTripTarget): Promise<number> {
  const start = performance.now();
  const count = 20;
  for (let i = 0; i < count; i++) await run("virsh", ["-c", uri, "nodeinfo"]);
  return (count / (performance.now() - start)) * 1000;
}

/** 64 slots: four on each connection, as libvirtd's defaults allow. */
const POOL = { maxConnections: 16, maxInFlight: 4, keepalive: false } as const;
const ROUNDS = 7;
const SERIAL = ["serial ours", "serial unraid"] as const;
const POOLED = ["pooled ours", "pooled unraid"] as const;

/** Interleaved rounds, so that a busy moment hits everybody. */
export async function benchRoundTrips(
  target: RoundTripTarget,
  peers: Peers,
): Promise<readonly Row[]> {
  const daemon = { socketPath: target.socketPath, uri: "test:///default" };
  await using hypervisor = await connect(daemon, POOL);
  const rounds: Record<string, number[]> = {};
  const note = (name: string, value: number | undefined) => {
    if (value !== undefined) (rounds[name] ??= []).push(value);
  };
  for (let round = 0; round < ROUNDS; round++) {
    note("serial ours", (await measure(hypervisor, { count: 4_000, width: 1 }))[0]);
    note("serial C", (await peers.c?.(target.uri, "serial", "4000"))?.[0]);
    const pooled = await measure(hypervisor, { count: 16_000, width: 64 });
    note("pooled ours", pooled[0]);
    note("cpu ours", pooled[1]);
    const threads = await peers.c?.(target.uri, "parallel", "8000");
    note("pooled C", threads?.[0]);
    note("cpu C", threads?.[1]);
    if (peers.unraid === null) continue;
    note("serial unraid", (await unraid(peers.unraid, target, "serial", 4_000))[0]);
    const theirs = await unraid(peers.unraid, target, "parallel", 16_000);
    note("pooled unraid", theirs[0]);
    note("cpu unraid", theirs[1]);
  }
  const of = (name: string) => (rounds[name] ? median(rounds[name]) : null);
  /** A busy moment hits neighbours alike, so a round's own ratio says more than two medians do. */
  const ratios = ([ours, theirs]: readonly [string, string]) =>
    (rounds[ours] ?? []).flatMap((value, round) => {
      const other = rounds[theirs]?.[round];
      return other === undefined ? [] : [value / other];
    });
  return rowsOf(of, await virshPerSecond(target)).map((row) =>
    row.peer === "@unraid" && !row.lessIsBetter
      ? { ...row, rounds: ratios(row.what.startsWith("serial") ? SERIAL : POOLED) }
      : row,
  );
}

function rowsOf(of: (name: string) => number | null, virsh: number): readonly Row[] {
  const serial = of("serial ours") ?? 0;
  return [
    {
      what: "serial calls/s",
      ours: serial,
      peer: "@unraid",
      theirs: of("serial unraid"),
      bar: 1.1,
    },
    { what: "serial calls/s", ours: serial, peer: "C", theirs: of("serial C"), bar: null },
    { what: "serial calls/s", ours: serial, peer: "virsh", theirs: virsh, bar: 100 },
    {
      what: "64 in flight, calls/s",
      ours: of("pooled ours") ?? 0,
      peer: "@unraid",
      theirs: of("pooled unraid"),
      bar: 1.8,
    },
    {
      what: "64 in flight, calls/s",
      ours: of("pooled ours") ?? 0,
      peer: "C, 64 threads",
      theirs: of("pooled C"),
      bar: null,
    },
    {
      what: "client CPU, us/call",
      ours: of("cpu ours") ?? 0,
      peer: "@unraid",
      theirs: of("cpu unraid"),
      bar: 2,
      lessIsBetter: true,
    },
    {
      what: "client CPU, us/call",
      ours: of("cpu ours") ?? 0,
      peer: "C, 64 threads",
      theirs: of("cpu C"),
      bar: null,
      lessIsBetter: true,
    },
  ];
}
