/**
 * Configuration: a YAML file, with the command line over it, read field by field into a complete, frozen value.
 * Every problem is collected before the program refuses to start, and each names the field, what it says and what
 * it may say. The process environment is never read: others can see it.
 */
import { readFileSync } from "node:fs";
import { MusterError } from "@muster/model";
import { parse, YAMLParseError } from "yaml";
import { nearestName } from "./nearest-name.ts";

export interface ConfigSources {
  /** YAML file; absent: none. */
  readonly path?: string;
  /** Options of the command line; see parseCommandLine. */
  readonly options?: ReadonlyMap<string, string | true>;
}

export interface Range {
  readonly min: number;
  readonly max: number;
  /** Absent: the field is required. */
  readonly default?: number;
}

/** Reads the fields of one section. What is returned after a problem is a placeholder that nobody gets to see. */
export interface Fields {
  text(name: string, options?: { readonly default?: string; readonly check?: TextCheck }): string;
  /** Absent when the field is. */
  optionalText(name: string, options?: { readonly check?: TextCheck }): string | undefined;
  integer(name: string, range: Range): number;
  number(name: string, range: Range): number;
  /** "500ms", "30s", "5m", "12h", "30d"; the range is in milliseconds. */
  durationMs(name: string, range: Range): number;
  flag(name: string, options: { readonly default: boolean }): boolean;
  choice<Choice extends string>(
    name: string,
    choices: readonly [Choice, ...Choice[]],
    options?: { readonly default?: Choice },
  ): Choice;
  /** A YAML list, or words separated by commas on the command line. */
  textList(
    name: string,
    options?: { readonly default?: readonly string[]; readonly check?: TextCheck },
  ): readonly string[];
  section<Value>(name: string, read: (fields: Fields) => Value): Value;
}

/** Throws a MusterError, or returns the text as it should be kept. */
export type TextCheck = (text: string, field: string) => string;

/** Throws `invalid` whose reasons are all problems at once. */
export function readConfig<Value>(sources: ConfigSources, read: (fields: Fields) => Value): Value {
  const source = sources.path ?? "the command line";
  const problems: string[] = [];
  const file = sources.path === undefined ? {} : loadYaml(sources.path);
  const options = sources.options ?? new Map<string, string | true>();
  const known = new Set<string>();
  const reader = new SectionReader({ prefix: "", values: file, options, known, problems });
  const value = read(reader);
  reader.refuseUnknown();
  refuseUnknownOptions(options, known, problems);
  if (problems.length > 0) {
    throw new MusterError("invalid", `failed to read the configuration (${source})`, {
      reasons: problems,
    });
  }
  return deepFreeze(value);
}

type Values = Readonly<Record<string, unknown>>;

interface Section {
  /** "" or "metrics." */
  readonly prefix: string;
  readonly values: Values;
  readonly options: ReadonlyMap<string, string | true>;
  /** Full names of all fields that were asked for. */
  readonly known: Set<string>;
  readonly problems: string[];
}

const DURATION_UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

class SectionReader implements Fields {
  readonly #section: Section;
  readonly #asked = new Set<string>();
  readonly #children: SectionReader[] = [];

  constructor(section: Section) {
    this.#section = section;
  }

  text(name: string, options: { default?: string; check?: TextCheck } = {}): string {
    const raw = this.#raw(name);
    if (raw === undefined) return this.#absent(name, options.default, "");
    return this.#checked(name, raw, options.check) ?? "";
  }

  optionalText(name: string, options: { check?: TextCheck } = {}): string | undefined {
    const raw = this.#raw(name);
    return raw === undefined ? undefined : this.#checked(name, raw, options.check);
  }

  integer(name: string, range: Range): number {
    return this.#number(name, range, (value) =>
      Number.isSafeInteger(value) ? undefined : "is not a whole number",
    );
  }

  number(name: string, range: Range): number {
    return this.#number(name, range, (value) =>
      Number.isFinite(value) ? undefined : "is not a number",
    );
  }

  durationMs(name: string, range: Range): number {
    const raw = this.#raw(name);
    if (raw === undefined) return this.#absent(name, range.default, range.min);
    const match =
      typeof raw === "string" ? /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(raw.trim()) : null;
    const unitMs = DURATION_UNITS_MS[match?.[2] ?? ""];
    if (match === null || unitMs === undefined) {
      return this.#problem(name, raw, 'is not a time; write for example "30s" or "5m"', range.min);
    }
    const milliseconds = Number(match[1]) * unitMs;
    if (milliseconds >= range.min && milliseconds <= range.max) return milliseconds;
    const allowed = `${renderDuration(range.min)} to ${renderDuration(range.max)} are allowed`;
    return this.#problem(name, raw, `is out of range: ${allowed}`, range.min);
  }

  flag(name: string, options: { default: boolean }): boolean {
    const raw = this.#raw(name);
    if (raw === undefined) return options.default;
    if (raw === true || raw === "true") return true;
    if (raw === false || raw === "false") return false;
    return this.#problem(name, raw, "is neither true nor false", options.default);
  }

  choice<Choice extends string>(
    name: string,
    choices: readonly [Choice, ...Choice[]],
    options: { default?: Choice } = {},
  ): Choice {
    const raw = this.#raw(name);
    const placeholder = options.default ?? choices[0];
    if (raw === undefined) return this.#absent(name, options.default, placeholder);
    const chosen = choices.find((choice) => choice === raw);
    if (chosen !== undefined) return chosen;
    return this.#problem(name, raw, `is not one of ${choices.join(", ")}`, placeholder);
  }

  textList(
    name: string,
    options: { default?: readonly string[]; check?: TextCheck } = {},
  ): readonly string[] {
    const raw = this.#raw(name);
    if (raw === undefined) return this.#absent(name, options.default, []);
    const items: readonly unknown[] | undefined = Array.isArray(raw)
      ? (raw as readonly unknown[])
      : this.#wordsOf(name, raw);
    if (items === undefined) return this.#problem(name, raw, "is not a list", []);
    return items.flatMap((item) => this.#checked(name, item, options.check) ?? []);
  }

  section<Value>(name: string, read: (fields: Fields) => Value): Value {
    this.#asked.add(name);
    const { prefix, values } = this.#section;
    const found = values[name] ?? {};
    if (!isValues(found)) this.#problem(name, found, "is not a section with fields", undefined);
    const child = new SectionReader({
      ...this.#section,
      prefix: `${prefix}${name}.`,
      values: isValues(found) ? found : {},
    });
    this.#children.push(child);
    return read(child);
  }

  refuseUnknown(): void {
    const { prefix, values, problems } = this.#section;
    for (const name of Object.keys(values)) {
      if (this.#asked.has(name)) continue;
      problems.push(
        `${prefix}${name}: there is no such field${suggestion(name, [...this.#asked])}`,
      );
    }
    for (const child of this.#children) child.refuseUnknown();
  }

  /** The command line's word before the file's. */
  #raw(name: string): unknown {
    const fullName = this.#fullName(name);
    this.#asked.add(name);
    this.#section.known.add(fullName);
    return this.#section.options.get(fullName) ?? this.#section.values[name] ?? undefined;
  }

  #wordsOf(name: string, raw: unknown): readonly string[] | undefined {
    const isOption = this.#section.options.has(this.#fullName(name));
    return isOption && typeof raw === "string" ? raw.split(",") : undefined;
  }

  #number(name: string, range: Range, complaint: (value: number) => string | undefined): number {
    const raw = this.#raw(name);
    if (raw === undefined) return this.#absent(name, range.default, range.min);
    const isOption = this.#section.options.has(this.#fullName(name));
    const isWritten = isOption && typeof raw === "string" && raw.trim() !== "";
    const value = typeof raw === "number" ? raw : isWritten ? Number(raw) : NaN;
    const problem = complaint(value);
    if (problem !== undefined) return this.#problem(name, raw, problem, range.min);
    if (value >= range.min && value <= range.max) return value;
    const allowed = `${String(range.min)} to ${String(range.max)} are allowed`;
    return this.#problem(name, raw, `is out of range: ${allowed}`, range.min);
  }

  #checked(name: string, raw: unknown, check: TextCheck | undefined): string | undefined {
    if (typeof raw !== "string") return this.#problem(name, raw, "is not text", undefined);
    if (check === undefined) return raw;
    try {
      return check(raw, this.#fullName(name));
    } catch (error) {
      if (!(error instanceof MusterError)) throw error;
      const hint = error.hint === undefined ? "" : `; ${error.hint}`;
      this.#section.problems.push(`${error.message}${hint}`);
      return undefined;
    }
  }

  #absent<Value>(name: string, standard: Value | undefined, placeholder: Value): Value {
    if (standard !== undefined) return standard;
    this.#section.problems.push(`${this.#fullName(name)}: is required`);
    return placeholder;
  }

  #problem<Value>(name: string, raw: unknown, problem: string, placeholder: Value): Value {
    const shown = raw === true ? "nothing" : (JSON.stringify(raw) ?? "nothing").slice(0, 80);
    this.#section.problems.push(`${this.#fullName(name)}: ${shown} ${problem}`);
    return placeholder;
  }

  #fullName(name: string): string {
    return `${this.#section.prefix}${name}`;
  }
}

function refuseUnknownOptions(
  options: ReadonlyMap<string, string | true>,
  known: ReadonlySet<string>,
  problems: string[],
): void {
  for (const name of options.keys()) {
    if (known.has(name)) continue;
    problems.push(`--${name}: there is no such option${suggestion(name, [...known], "--")}`);
  }
}

function suggestion(written: string, known: readonly string[], dashes = ""): string {
  const nearest = nearestName(written, known);
  return nearest === undefined ? "" : `; did you mean ${dashes}${nearest}?`;
}

const isValues = (value: unknown): value is Values =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Larger files are not configuration. */
const CONFIG_BYTES_MAX = 1024 * 1024;

function loadYaml(path: string): Values {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new MusterError("invalid", `failed to read the configuration file ${path}`, { cause });
  }
  if (text.length > CONFIG_BYTES_MAX) {
    throw new MusterError("invalid", `${path} is larger than a configuration file may be (1 MiB)`);
  }
  let values: unknown;
  try {
    values = parse(text) ?? {};
  } catch (cause) {
    if (!(cause instanceof YAMLParseError || cause instanceof ReferenceError)) throw cause;
    throw new MusterError("invalid", `${path} is not valid YAML`, { cause });
  }
  if (!isValues(values)) throw new MusterError("invalid", `${path} does not consist of fields`);
  return values;
}

function renderDuration(milliseconds: number): string {
  for (const unit of ["d", "h", "m", "s"] as const) {
    const unitMs = DURATION_UNITS_MS[unit] ?? 1;
    if (milliseconds >= unitMs && milliseconds % unitMs === 0) {
      return `${String(milliseconds / unitMs)}${unit}`;
    }
  }
  return `${String(milliseconds)}ms`;
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
  return value;
}
