/** What it costs a process to load the package as it is published and get its first answer. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Row } from "./report.ts";

const FIRST_ANSWER_MS = 30;
const RESIDENT_MIB = 50;
const ROUNDS = 15;

/** Hangs around after its work, to be looked at, if it is told so. */
const scriptOf = (work: string) => `${work}
process.stdout.write("done");
if (process.argv[2] === "stay") setInterval(() => undefined, 1_000_000);
else process.exit();
`;

const client = (socketPath: string) => `
import { connect } from "node-libvirt";
const hypervisor = await connect({ socketPath: ${JSON.stringify(socketPath)}, uri: "test:///default" });
await hypervisor.getHostname();
`;

function milliseconds(script: string): number {
  const start = performance.now();
  execFileSync(process.execPath, [script]);
  return performance.now() - start;
}

/** As `ps` shows it, once the work is done. */
async function residentMib(script: string): Promise<number> {
  const child = spawn(process.execPath, [script, "stay"], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
  child.kill();
  await once(child, "exit");
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024;
}

async function leastResidentMib(script: string): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < 5; i++) least = Math.min(least, await residentMib(script));
  return least;
}

export async function benchStartUp(directory: string, socketPath: string): Promise<readonly Row[]> {
  const installed = join(directory, "node_modules/node-libvirt");
  mkdirSync(installed, { recursive: true });
  const build = join(import.meta.dirname, "../scripts/build.ts");
  execFileSync(process.execPath, [build, installed]);
  const ours = join(directory, "client.mjs");
  const bare = join(directory, "bare.mjs");
  writeFileSync(ours, scriptOf(client(socketPath)));
  writeFileSync(bare, scriptOf(""));
  let withUs = Infinity;
  let without = Infinity;
  for (let i = 0; i < ROUNDS; i++) {
    without = Math.min(without, milliseconds(bare));
    withUs = Math.min(withUs, milliseconds(ours));
  }
  const bareMib = await leastResidentMib(bare);
  const limit = { peer: "limit", bar: 1, lessIsBetter: true } as const;
  return [
    {
      what: "first answer over bare Node, ms",
      ours: withUs - without,
      theirs: FIRST_ANSWER_MS,
      ...limit,
    },
    {
      what: `resident MiB (bare Node ${bareMib.toFixed(1)})`,
      ours: await leastResidentMib(ours),
      theirs: RESIDENT_MIB,
      ...limit,
    },
  ];
}
