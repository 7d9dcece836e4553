/**
 * The other clients of the comparison: libvirt's own in C, and @unraid/libvirt. Each is one process that stays, and is
 * told on its standard input what to do next. Each may be missing; that is said.
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Contestant, Turn } from "./rounds.ts";

/** A running peer, connected. */
export class Peer implements AsyncDisposable {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(name: string, command: string, args: readonly string[]) {
    this.name = name;
    const env = { ...process.env, UV_THREADPOOL_SIZE: THREADS };
    this.#process = spawn(command, args, { env, stdio: ["pipe", "pipe", "inherit"] });
    if (!this.#process.stdout) throw new Error("no pipe");
    const lines: Interface = createInterface(this.#process.stdout);
    this.#lines = lines[Symbol.asyncIterator]();
  }

  /** Does what `order` says, as the programs document it, and gives what it took. */
  async ask(...order: readonly (string | number)[]): Promise<Turn> {
    this.#process.stdin?.write(`${order.join(" ")}\n`);
    const answer = await this.#lines.next();
    if (answer.done) throw new Error(`${this.name} ended at ${order.join(" ")}`);
    const [seconds = NaN, cpuSeconds = NaN] = answer.value.split(" ").map(Number);
    return { seconds, cpuSeconds };
  }

  /** Does that in every turn. */
  contestant(...order: readonly (string | number)[]): Contestant {
    return { name: this.name, run: () => this.ask(...order) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#process, "exit");
    this.#process.stdin?.end();
    await ended;
  }
}

/** @unraid/libvirt makes each call on a thread of libuv's pool: more threads than calls at once. */
const THREADS = "72";

export interface Peers {
  /** Starts the C client, connected to `uri`. Null if it is missing. */
  readonly c: ((uri: string) => Peer) | null;
  readonly unraid: ((uri: string) => Peer) | null;
}

function missing(what: string, why: unknown): null {
  console.warn(
    `SKIPPED ${what}: ${why instanceof Error ? why.message.split("\n")[0] : String(why)}`,
  );
  return null;
}

/** Compiles the C program into `directory`. */
function compileC(directory: string): Peers["c"] {
  const program = join(directory, "client");
  const source = join(import.meta.dirname, "c/client.c");
  try {
    const args = ["-O2", "-pthread", source, "-l:libvirt.so.0", "-o", program];
    execFileSync("cc", args, { stdio: ["ignore", "ignore", "pipe"] });
  } catch (error) {
    return missing("the C client", error);
  }
  return (uri) => new Peer("C", program, [uri]);
}

/**
 * @unraid/libvirt compiles C++ at its installation and needs libvirt's headers, so it is not installed here: name a
 * directory with it in NODE_LIBVIRT_BENCH_UNRAID.
 */
function findUnraid(): Peers["unraid"] {
  const directory = process.env["NODE_LIBVIRT_BENCH_UNRAID"];
  if (directory === undefined) {
    return missing("@unraid/libvirt", "NODE_LIBVIRT_BENCH_UNRAID names no directory with it");
  }
  if (!existsSync(join(directory, "node_modules/@unraid/libvirt"))) {
    return missing("@unraid/libvirt", `it is not in ${directory}`);
  }
  const script = join(import.meta.dirname, "unraid-client.mjs");
  return (uri) => new Peer("@unraid", process.execPath, [script, directory, uri]);
}

export function findPeers(directory: string): Peers {
  return { c: compileC(directory), unraid: findUnraid() };
}
