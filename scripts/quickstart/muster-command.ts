/** The `muster` command of one cluster, as a person would type it; and a file that lets the person do so. */
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Story } from "./story.ts";

const root = join(import.meta.dirname, "../..");
export const node = join(root, "node_modules/node/bin/node");

const COMMAND_TIMEOUT_MS = 120_000;

export interface Said {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class MusterCommand {
  readonly #program: string;
  readonly #socketPath: string;
  readonly #story: Story;

  /** @param parts.program the bundle, muster.mjs */
  constructor(parts: {
    readonly program: string;
    readonly socketPath: string;
    readonly story: Story;
  }) {
    this.#program = parts.program;
    this.#socketPath = parts.socketPath;
    this.#story = parts.story;
  }

  /** Never throws for an exit code. */
  try(words: readonly string[]): Promise<Said> {
    return new Promise((resolve) => {
      const child = execFile(
        node,
        [this.#program, "--coordinator", `unix://${this.#socketPath}`, ...words],
        { timeout: COMMAND_TIMEOUT_MS, maxBuffer: 16 * 1024 * 1024 },
        (error, stdout, stderr) => {
          const exitCode = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
          resolve({ exitCode, stdout, stderr });
        },
      );
      child.stdin?.end();
    });
  }

  /** Gives what it printed. @throws Error with what it said when it failed. */
  async run(words: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.try(words);
    if (exitCode === 0) return stdout;
    const said = (stderr + stdout).trim();
    throw new Error(`${spoken(words)} ended with exit code ${String(exitCode)}:\n${said}`);
  }

  /** Runs it and shows command and answer to the person. */
  async show(words: readonly string[]): Promise<string> {
    const printed = await this.run(words);
    this.#story.say(`$ ${spoken(words)}`);
    if (printed.trim() !== "") this.#story.say(printed);
    return printed;
  }

  /** The caller knows the document it asks for. */
  async json<Document>(words: readonly string[]): Promise<Document> {
    return JSON.parse(await this.run([...words, "-o", "json"])) as Document;
  }

  /** Begins an operation and gives its id. */
  async begin(words: readonly string[]): Promise<string> {
    return (await this.run([...words, "--detach", "-o", "name"])).trim();
  }

  /** Writes a `muster` that talks to this cluster. Gives the directory to put on the PATH. */
  async install(directory: string): Promise<string> {
    const path = join(directory, "bin/muster");
    await mkdir(dirname(path), { recursive: true });
    const lines = [
      "#!/bin/sh",
      `export MUSTER_COORDINATOR="\${MUSTER_COORDINATOR:-unix://${this.#socketPath}}"`,
      `exec "${node}" "${this.#program}" "$@"`,
    ];
    await writeFile(path, `${lines.join("\n")}\n`, { mode: 0o755 });
    return dirname(path);
  }
}

/** As it would be typed. */
export const spoken = (words: readonly string[]): string =>
  ["muster", ...words.map((word) => (/^[\w.,:/@%+=-]+$/.test(word) ? word : `"${word}"`))].join(
    " ",
  );
