/** `npm run bench -- NAME args…`: starts one of the measurements, each a program of its own. */
import { spawn } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

interface Bench {
  readonly program: string;
  readonly about: string;
}

const benches: Readonly<Record<string, Bench>> = {
  footprint: {
    program: "bench/footprint/main.ts",
    about: "memory, CPU and start-up time of a program, against its limits",
  },
  planner: {
    program: "bench/planner/main.ts",
    about: "how fast and how well the planner places, drains and balances",
  },
  snapshot: {
    program: "bench/snapshot/main.ts",
    about: "what the snapshot of a decision and its hash cost",
  },
  scale: {
    program: "bench/scale/main.ts",
    about: "what one coordinator bears: thousands of agents, lists, bursts, restarts",
  },
  migration: {
    program: "bench/migration/main.ts",
    about: "how long a guest cannot be reached while it moves, seen from outside",
  },
  libvirt: {
    program: "packages/libvirt/bench/main.ts",
    about: "calls and events a second of the libvirt client",
  },
};

function usage(): string {
  const lines = Object.entries(benches).map(([name, { about }]) => `  ${name.padEnd(10)} ${about}`);
  return ["usage: npm run bench -- NAME [arguments]", ...lines].join("\n");
}

const [name = "", ...args] = process.argv.slice(2);
const bench = Object.hasOwn(benches, name) ? benches[name] : undefined;
if (bench === undefined) {
  console.error(name === "" ? usage() : `no benchmark ${name}\n${usage()}`);
  process.exitCode = 2;
} else {
  const child = spawn(process.execPath, [join(root, bench.program), ...args], { stdio: "inherit" });
  child.once("exit", (code, signal) => {
    process.exitCode = code ?? (signal === null ? 1 : 128);
  });
}
