/**
 * Runs iproute2's commands through one `ip -batch` and one `bridge -batch` that stay open: in an emulated machine the
 * start of a program costs twenty times what the kernel needs for the change.
 */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { MusterError } from "@muster/model";
import { systemClock } from "@muster/runtime";
import {
  processRunner,
  type CommandRunner,
} from "../../packages/agent/src/networks/command-runner.ts";

/** No object of iproute2 is called so: its complaint says that everything before it is done. */
const END = "muster-end";
const LIBRARY = "/lib/libstdbuf.so";

class Batch {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting: ((said: string) => void)[] = [];
  #said = "";

  constructor(program: readonly string[]) {
    // One pipe for both, so that a complaint comes after what was printed before it.
    const line = `exec ${program.join(" ")} -force -batch - 2>&1`;
    const environment = { ...process.env, LD_PRELOAD: LIBRARY, _STDBUF_O: "L" };
    this.#child = spawn("/bin/sh", ["-c", line], { env: environment, stdio: "pipe" });
    this.#child.stdout.on("data", (chunk: Buffer) => {
      this.#said += chunk.toString();
      this.#deliver();
    });
  }

  /** What it printed, its complaints too. */
  run(words: readonly string[]): Promise<string> {
    const quoted = words.map((word) => (/[\s"']/.test(word) ? `"${word}"` : word)).join(" ");
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#child.stdin.write(`${quoted}\n${END}\n`);
    });
  }

  end(): void {
    this.#child.stdin.end();
  }

  #deliver(): void {
    for (;;) {
      const end = new RegExp(`^Object "${END}" is unknown.*\\nCommand failed -:\\d+\\n`, "m");
      const found = end.exec(this.#said);
      if (found === null) return;
      const said = this.#said.slice(0, found.index);
      this.#said = this.#said.slice(found.index + found[0].length);
      this.#waiting.shift()?.(said);
    }
  }
}

const isNewDevice = ([object = "", verb = ""]: readonly string[]): boolean =>
  (object === "link" || object === "tuntap") && (verb === "add" || verb === "del");

export class BatchRunner implements CommandRunner {
  readonly #batches = new Map<string, Batch>();
  /** What was read since the last change: nobody else changes this machine. */
  readonly #read = new Map<string, Promise<string>>();

  /** Time passes: carriers come and go by themselves. */
  readonly clock = {
    sleep: (ms: number): Promise<void> => {
      this.#read.clear();
      return systemClock.sleep(ms);
    },
  };

  run(argv: readonly string[]): Promise<string> {
    if (!argv.includes("show")) {
      this.#read.clear();
      return this.#run(argv);
    }
    const key = argv.join(" ");
    const known = this.#read.get(key) ?? this.#run(argv);
    this.#read.set(key, known);
    return known;
  }

  async #run(argv: readonly string[]): Promise<string> {
    const [program = "", ...rest] = argv;
    if (program !== "ip" && program !== "bridge") return processRunner.run(argv);
    const flags = rest.slice(
      0,
      rest.findIndex((word) => !word.startsWith("-")),
    );
    const said = await this.#batch([program, ...flags]).run(rest.slice(flags.length));
    if (isNewDevice(rest)) this.#forgetNames();
    const failed = /^([^]*?)Command failed -:\d+\n/m.exec(said);
    if (failed === null) return said;
    throw new MusterError("network-failed", `failed: ${argv.join(" ")}`, {
      cause: new Error(failed[1]?.trim() ?? ""),
    });
  }

  end(): void {
    for (const batch of this.#batches.values()) batch.end();
  }

  /** They learn once which device has which number; only what lists devices learns it again each time. */
  #forgetNames(): void {
    for (const [key, batch] of this.#batches) {
      if (key.startsWith("ip -j")) continue;
      batch.end();
      this.#batches.delete(key);
    }
  }

  #batch(program: readonly string[]): Batch {
    const key = program.join(" ");
    const batch = this.#batches.get(key) ?? new Batch(program);
    this.#batches.set(key, batch);
    return batch;
  }
}
