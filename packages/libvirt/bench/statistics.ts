/** Statistics of 200 domains in one call, and how long an event takes to arrive. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../src/index.ts";
import type { Peers } from "./peers.ts";
import type { Row } from "./report.ts";

const domainXml = (n: number) =>
  `<domain type='test'><name>d${n}</name><memory>8192</memory><vcpu>4</vcpu><os><type>hvm</type></os></domain>`;

/** A test driver with 200 domains, described by a file that the daemon reads. */
export function writeNode(root: string): string {
  const domains = Array.from({ length: 200 }, (_, n) => domainXml(n)).join("");
  writeFileSync(join(root, "run/node.xml"), `<node>${domains}</node>`);
  return "test:///run/node.xml";
}

export async function benchStatistics(
  socketPath: string,
  name: string,
  peers: Peers,
): Promise<readonly Row[]> {
  // Every connection to such a file has a world of its own.
  await using hypervisor = await connect({ socketPath, uri: name }, { maxConnections: 1 });
  let ours = Infinity;
  for (let i = 0; i < 60; i++) {
    const start = performance.now();
    const stats = await hypervisor.getAllDomainStats();
    if (stats.length !== 200) throw new Error(`${stats.length} domains instead of 200`);
    ours = Math.min(ours, performance.now() - start);
  }
  const [driver = "", rest = ""] = name.split("://");
  const uri = `${driver}+unix://${rest}?socket=${socketPath}`;
  const theirs = (await peers.c?.(uri, "stats", "60"))?.[0] ?? null;
  const what = "statistics of 200 domains, ms";
  return [{ what, ours, peer: "C", theirs, bar: 1, lessIsBetter: true }];
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
  const p99 = delays.toSorted((a, b) => a - b)[Math.floor(delays.length * 0.99)] ?? 0;
  const what = "event after its cause, p99 ms";
  return [{ what, ours: p99, peer: "(no bar)", theirs: null, bar: null, lessIsBetter: true }];
}
