/** Where results go (stdout, in the format asked for) and where everything else goes (stderr). */
import type { ErrorDetail } from "@muster/model";
import { renderFailure } from "./render/failure.ts";
import { renderJson, renderJsonLine, renderYaml } from "./render/serialize.ts";
import { paintAnsi, paintNothing, type Paint } from "./render/style.ts";
import type { Screen } from "./surroundings.ts";

export const outputFormats = ["table", "wide", "json", "yaml", "name"] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** One result in every form it may be asked for. Text forms end in a newline, or are empty. */
export interface Result {
  /** For json and yaml: bigints allowed, field names are a contract. */
  readonly data: unknown;
  /** One a line for `-o name`. */
  readonly names: readonly string[];
  table(paint: Paint): string;
  /** Left out: the same as table. */
  wide?(paint: Paint): string;
}

export class Output {
  readonly format: OutputFormat;
  readonly #stdout: Screen;
  readonly #stderr: Screen;
  readonly #isColourless: boolean;
  readonly #isComplete: boolean;

  constructor(parts: {
    readonly format: OutputFormat;
    /** True: every reason of a failure is shown. */
    readonly isComplete?: boolean;
    readonly stdout: Screen;
    readonly stderr: Screen;
    /** True when the environment asks for no colour. */
    readonly isColourless: boolean;
  }) {
    this.format = parts.format;
    this.#isComplete = parts.isComplete ?? false;
    this.#stdout = parts.stdout;
    this.#stderr = parts.stderr;
    this.#isColourless = parts.isColourless;
  }

  show(result: Result): void {
    this.write(this.#rendered(result));
  }

  /** One of many that arrive over time: a line of JSON, a YAML document, or a line of text. */
  showOne(result: Result): void {
    if (this.format === "json") this.write(renderJsonLine(result.data));
    else if (this.format === "yaml") this.write(`---\n${renderYaml(result.data)}`);
    else this.write(this.#rendered(result));
  }

  /** As it is, to stdout. */
  write(text: string | Uint8Array): void {
    this.#stdout.write(text);
  }

  /** A remark for the person, not part of the result. */
  note(text: string): void {
    this.#stderr.write(`${text}\n`);
  }

  /** Why it did not work: one JSON object a line under `-o json`, else text. */
  fail(detail: ErrorDetail): void {
    if (this.format === "json") this.#stderr.write(renderJsonLine({ error: detail }));
    else {
      const how = { isComplete: this.#isComplete };
      this.#stderr.write(renderFailure(detail, this.#paintFor(this.#stderr), how));
    }
  }

  get isForTools(): boolean {
    return this.format === "json" || this.format === "yaml" || this.format === "name";
  }

  #rendered(result: Result): string {
    const paint = this.#paintFor(this.#stdout);
    switch (this.format) {
      case "json":
        return renderJson(result.data);
      case "yaml":
        return renderYaml(result.data);
      case "name":
        return result.names.map((name) => `${name}\n`).join("");
      case "wide":
        return result.wide?.(paint) ?? result.table(paint);
      case "table":
        return result.table(paint);
    }
  }

  #paintFor(screen: Screen): Paint {
    return screen.isTTY === true && !this.#isColourless ? paintAnsi : paintNothing;
  }
}
