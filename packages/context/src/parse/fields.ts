/** Reads one object of a context: known fields only, each of its type, and what is wrong said by name. */
import { invalid } from "@muster/model";

/** The C0 controls but tab and line feed, and DEL: nothing that a person means, and no consumer agrees on them. */

const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f]/;
const LINE_BREAKS = /[\n\r\u0085\u2028\u2029]/;

export interface TextRule {
  readonly max: number;
  /** False: one line. */
  readonly lines?: boolean;
  readonly pattern?: RegExp;
  /** What `pattern` means, for people. */
  readonly what?: string;
}

/** Long enough for every honest line; longer only fills disks. */
const LINE_MAX = 4_096;

export function checkText(value: unknown, path: string, rule: Partial<TextRule> = {}): string {
  const { max = LINE_MAX, lines = false, pattern, what = "allowed here" } = rule;
  if (typeof value !== "string") throw invalid(path, "must be text", "quote it");
  if (value.length > max) {
    const lengths = `${String(value.length)} characters, at most ${String(max)}`;
    throw invalid(path, `${lengths} are allowed`);
  }
  if (!value.isWellFormed()) throw invalid(path, "is not valid Unicode");
  if (CONTROLS.test(value)) {
    throw invalid(path, "has control characters", "give binary contents as base64 in a file");
  }
  if (!lines && LINE_BREAKS.test(value)) throw invalid(path, "must be one line");
  if (pattern !== undefined && !pattern.test(value)) throw invalid(path, `is not ${what}`);
  return value;
}

export class ContextFields {
  readonly #path: string;
  readonly #values: ReadonlyMap<string, unknown>;

  constructor(value: unknown, path: string, known: readonly string[]) {
    this.#path = path;
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw invalid(path, "must be an object with fields", `known fields: ${known.join(", ")}`);
    }
    for (const name of Object.keys(value)) {
      if (known.includes(name)) continue;
      const at = this.at(name.slice(0, 60));
      throw invalid(at, "unknown field", `known fields: ${known.join(", ")}`);
    }
    // An empty field of YAML is null: the same as left out.
    this.#values = new Map(Object.entries(value).filter(([, each]) => each !== null));
  }

  at(name: string): string {
    return `${this.#path}.${name}`;
  }

  has(name: string): boolean {
    return this.#values.get(name) !== undefined;
  }

  text(name: string, rule: Partial<TextRule> = {}): string | undefined {
    const value = this.#values.get(name);
    return value === undefined ? undefined : checkText(value, this.at(name), rule);
  }

  requiredText(name: string, rule: Partial<TextRule> = {}): string {
    const text = this.text(name, rule);
    if (text === undefined || text === "") throw invalid(this.at(name), "is required");
    return text;
  }

  flag(name: string): boolean {
    const value = this.#values.get(name) ?? false;
    if (typeof value === "boolean") return value;
    throw invalid(this.at(name), "must be true or false");
  }

  choice<Choice extends string>(name: string, choices: readonly Choice[], absent: Choice): Choice {
    const value = this.#values.get(name);
    if (value === undefined) return absent;
    const found = choices.find((choice) => choice === value);
    if (found !== undefined) return found;
    throw invalid(this.at(name), `must be one of ${choices.join(", ")}`);
  }

  list<Item>(
    name: string,
    max: number,
    read: (value: unknown, path: string) => Item,
  ): readonly Item[] {
    const value = this.#values.get(name);
    if (value === undefined) return [];
    if (!Array.isArray(value)) throw invalid(this.at(name), "must be a list");
    if (value.length > max) {
      throw invalid(this.at(name), `has ${String(value.length)} entries, at most ${String(max)}`);
    }
    return value.map((item: unknown, index) => read(item, `${this.at(name)}[${String(index)}]`));
  }

  /** An object whose field names are data. */
  entries(name: string, max: number): readonly (readonly [string, unknown])[] {
    const value = this.#values.get(name);
    if (value === undefined) return [];
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw invalid(this.at(name), "must be an object of names and values");
    }
    const entries = Object.entries(value);
    if (entries.length > max) {
      throw invalid(this.at(name), `has ${String(entries.length)} entries, at most ${String(max)}`);
    }
    return entries;
  }
}
