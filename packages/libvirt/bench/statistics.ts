/** Statistics of 200 domains in one call, and how long an event takes to arrive. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../src/index.ts";
import type { Peers } from "./peers.ts";
import { quantile, type Row } from "./report.ts";
import { compare, interleave, timed } from "./rounds.ts";

const domainXml = (n: number) =>
  `<domain type='test'><name>d${n}</name><memory>8192</memory><vcpu>4</vcpu><os><type>hvm</type></os></domain>`;

/** A test driver with 200 domains, described by a file that the daemon reads. */
export function writeNode(root: string): string {
  const domains = Array.from({ length: 200 }, (_, n) => domainXml(n)).join("");
  writeFileSync(join(root, "run/node.xml"), `<node>${domains}</node>`);
  return "test:///run/node.xml";
}

export interface StatisticsTarget {
  readonly socketPath: string;
  readonly daemonCpu: () => number;
  /** Of the node with 200 domains. */
  readonly uri: string;
}

const CALLS = 50;
const ROUNDS = 21;

export async function benchStatistics(
  { socketPath, daemonCpu, uri }: StatisticsTarget,
  peers: Peers,
): Promise<readonly Row[]> {
  // Every connection to such a file has a world of its own.
  await using hypervisor = await connect({ socketPath, uri }, { maxConnections: 1 });
  const [driver = "", rest = ""] = uri.split("://");
  await using c = peers.c?.(`${driver}+unix://${rest}?socket=${socketPath}`);
  const work = async () => {
    for (let i = 0; i < CALLS; i++) {
      const stats = await hypervisor.getAllDomainStats();
      if (stats.length !== 200) throw new Error(`${stats.length} domains instead of 200`);
    }
  };
  const contestants = [
    { name: "ours", run: () => timed(work) },
    ...(c ? [c.contestant("stats", CALLS)] : []),
  ];
  for (const { run: warmUp } of [...contestants, ...contestants]) await warmUp();
  const rounds = await interleave(contestants, { rounds: ROUNDS, daemonCpu });
  const common = { units: CALLS, ours: rounds.get("ours"), theirs: rounds.get("C"), peer: "C" };
  const [time, cpu] = ["statistics of 200 domains, ms", "its client CPU, us/call"];
  return [
    compare({ ...common, what: time, side: "time", shown: 1e3, bar: 1 }),
    compare({ ...common, what: cpu, side: "client", shown: 1e6, bar: null }),
  ];
}

export async function benchEvents(socketPath: string): Promise<readonly Row[]> {
  await using hypervisor = await connect({ socketPath, uri: "test:///default" });
  await using events = await hypervisor.domainEvents(["lifecycle"]);
  const domain = await hypervisor.domainLookupByName("test");
  const delays: number[] = [];
  for (let i = 0; i < 300; i++) {
    const start = performance.now();
    const change = i % 2 === 0 ? domain.suspend() : domain.resume();
    await events.next();
    delays.push(performance.now() - start);
    await change;
  }
  const common = { peer: "(no bar)", theirs: null, bar: null, lessIsBetter: true } as const;
  return [
    { what: "event after its cause, median ms", ours: quantile(delays, 0.5), ...common },
    { what: "event after its cause, p99 ms", ours: quantile(delays, 0.99), ...common },
  ];
}
