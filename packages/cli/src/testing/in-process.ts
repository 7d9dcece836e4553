/** Runs `muster` in the test's own process with streams the test can read. */
import { PassThrough, Writable } from "node:stream";
import { systemClock, systemRandom } from "@muster/runtime";
import { runMuster } from "../run-muster.ts";
import type { Keyboard, Screen } from "../surroundings.ts";

export interface InProcess {
  readonly stdout: TextScreen;
  readonly stderr: TextScreen;
  readonly stdin: PassThrough & Keyboard;
  readonly exitCode: Promise<number>;
  /** As Ctrl-C. */
  interrupt(): void;
}

export interface RunOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly isTTY?: boolean;
}

/** Remembers everything that was written to it. */
export class TextScreen extends Writable {
  readonly isTTY: boolean;
  readonly columns = 120;
  #text = "";

  constructor(isTTY: boolean) {
    super({ decodeStrings: true });
    this.isTTY = isTTY;
  }

  get text(): string {
    return this.#text;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#text += chunk.toString("utf8");
    done();
  }
}

export function startMuster(argv: readonly string[], options: RunOptions = {}): InProcess {
  const stdout = new TextScreen(options.isTTY ?? false);
  const stderr = new TextScreen(options.isTTY ?? false);
  const stdin: PassThrough & Keyboard = new PassThrough();
  const listeners = new Set<() => void>();
  const exitCode = runMuster(argv, {
    environment: options.environment ?? {},
    stdin,
    stdout: stdout satisfies Screen,
    stderr: stderr satisfies Screen,
    clock: systemClock,
    random: systemRandom,
    onInterrupt: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  });
  const interrupt = (): void => {
    for (const listener of listeners) listener();
  };
  return { stdout, stderr, stdin, exitCode, interrupt };
}

export interface Finished {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function muster(argv: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const run = startMuster(argv, options);
  const exitCode = await run.exitCode;
  return { exitCode, stdout: run.stdout.text, stderr: run.stderr.text };
}

/** Waits for a state, never for an event. */
export async function eventually(isSo: () => boolean, what: string): Promise<void> {
  const giveUpAtMs = systemClock.now() + 10_000;
  while (!isSo()) {
    if (systemClock.now() > giveUpAtMs) throw new Error(`never happened: ${what}`);
    await systemClock.sleep(10);
  }
}
