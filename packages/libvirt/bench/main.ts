/**
 * Measures node-libvirt against libvirt's own C client, @unraid/libvirt and virsh, on a private libvirtd:
 *
 *     node packages/libvirt/bench/main.ts [--quick] [part…]
 *
 * Parts: round-trips, statistics, events, streams, start-up, hung-guests; all by default. Needs root and libvirtd.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PrivateLibvirtd, whyNoLibvirtd } from "../test/private-libvirtd.ts";
import { benchHungGuests } from "./hung-guests.ts";
import { findPeers } from "./peers.ts";
import { renderRows, verdictOf, type Row } from "./report.ts";
import { benchRoundTrips } from "./round-trips.ts";
import { cpuOfProcess } from "./rounds.ts";
import { benchStartUp } from "./start-up.ts";
import { benchEvents, benchStatistics, writeNode } from "./statistics.ts";
import { benchStreams } from "./streams.ts";

const parts = [
  "start-up",
  "round-trips",
  "statistics",
  "events",
  "streams",
  "hung-guests",
] as const;
type Part = (typeof parts)[number];

export interface BenchOptions {
  readonly parts?: readonly Part[];
  /** A smaller volume. */
  readonly quick?: boolean;
}

/** Runs the parts one after the other on a daemon of their own. */
export async function benchLibvirt(options: BenchOptions = {}): Promise<readonly Row[]> {
  const directory = mkdtempSync(join(tmpdir(), "nlv-bench-"));
  const peers = findPeers(directory);
  await using daemon = await PrivateLibvirtd.start({
    config: "max_clients = 500\nmax_workers = 20\n",
  });
  const { root, socketPath } = daemon;
  const daemonCpu = cpuOfProcess(daemon.daemonPid());
  const run: Readonly<Record<Part, () => Promise<readonly Row[]> | readonly Row[]>> = {
    "start-up": () => benchStartUp(directory, socketPath),
    "round-trips": () => benchRoundTrips({ socketPath, uri: daemon.uri(), daemonCpu }, peers),
    statistics: () => benchStatistics({ socketPath, uri: writeNode(root), daemonCpu }, peers),
    events: () => benchEvents(socketPath),
    streams: () => benchStreams({ root, socketPath, daemonCpu }, peers, options.quick ? 128 : 1024),
    "hung-guests": () => benchHungGuests(daemon),
  };
  const rows: Row[] = [];
  for (const part of options.parts ?? parts) rows.push(...(await run[part]()));
  rmSync(directory, { recursive: true });
  return rows;
}

if (process.argv[1] === import.meta.filename) {
  const args = process.argv.slice(2);
  const missing = whyNoLibvirtd();
  if (missing !== null) {
    console.warn(`SKIPPED the libvirt benchmark: ${missing}`);
  } else {
    const chosen = parts.filter((part) => args.includes(part));
    const quick = args.includes("--quick");
    const rows = await benchLibvirt({ quick, ...(chosen.length > 0 && { parts: chosen }) });
    console.log(renderRows(rows));
    if (rows.some((row) => verdictOf(row) === "MISSED")) process.exitCode = 1;
  }
}
