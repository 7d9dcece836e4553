/** Tells a person what happens: numbered steps with their time, and which of them failed and why. */
import { existsSync } from "node:fs";

/** A step failed; the message is for the person and complete. */
export class StoryFailure extends Error {
  override readonly name = "StoryFailure";
}

const INDENT = "   ";

export class Story {
  readonly #startedAtMs = performance.now();
  #steps = 0;
  /** Where to look when a step fails; set once it is known. */
  logs = "";
  /** How what runs is removed; set once there is something. */
  stop = "";

  /** @throws StoryFailure naming the step, what went wrong and where the logs are. */
  async step<Result>(title: string, run: () => Promise<Result>): Promise<Result> {
    this.#steps += 1;
    const name = `${String(this.#steps)}. ${title}`;
    const startedAtMs = performance.now();
    console.log(`\n${name}`);
    try {
      const result = await run();
      this.say(`done in ${secondsSince(startedAtMs)}`);
      return result;
    } catch (error) {
      const why = reasonOf(error).replaceAll("\n", `\n${INDENT}`);
      const lines = [
        `FAILED after ${secondsSince(startedAtMs)}: step ${name}`,
        `${INDENT}${why}`,
        ...(!existsSync(this.logs) ? [] : [`${INDENT}logs: ${this.logs}`]),
        ...(this.stop === "" ? [] : [`${INDENT}what runs already is removed by: ${this.stop}`]),
      ];
      throw new StoryFailure(lines.join("\n"), { cause: error });
    }
  }

  /** Text inside a step, every line indented. */
  say(text: string): void {
    const lines = text.trimEnd().split("\n");
    console.log(lines.map((line) => (line === "" ? "" : INDENT + line)).join("\n"));
  }

  /** Text of its own. */
  tell(text: string): void {
    console.log(text);
  }

  get elapsed(): string {
    return secondsSince(this.#startedAtMs);
  }
}

const secondsSince = (startedAtMs: number): string =>
  `${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`;

/** The message with the messages of its causes. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  const own = error.message === "" ? error.name : error.message;
  return cause instanceof Error && !own.includes(cause.message)
    ? `${own}: ${reasonOf(cause)}`
    : own;
}
