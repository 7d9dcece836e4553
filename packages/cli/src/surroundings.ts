/** The process around the program, as an argument: tests run `muster` in their own process. */
import type { Readable, Writable } from "node:stream";
import type { Clock, Random } from "@muster/runtime";

export type Screen = Writable & {
  readonly isTTY?: boolean;
  /** Width of the terminal in characters. */
  readonly columns?: number;
};

export type Keyboard = Readable & {
  readonly isTTY?: boolean;
  /** Only terminals have it. */
  setRawMode?(raw: boolean): unknown;
};

export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdin: Keyboard;
  readonly stdout: Screen;
  readonly stderr: Screen;
  readonly clock: Clock;
  readonly random: Random;
  /** Calls the listener at every Ctrl-C instead of ending the process, until the answer is called. */
  onInterrupt(listener: () => void): () => void;
}
