/** Reads one object of a spec file: known fields only, each of its type, and what is wrong said by name. PURE. */
import { invalid, parseSize } from "@muster/model";
import { nearest } from "./nearest.ts";

/** Every spelling of a field; the first is the one in the documentation. */
export type Names = readonly [string, ...string[]];

export class Fields {
  readonly #path: string;
  readonly #values: ReadonlyMap<string, unknown>;

  /** `known`: all fields the object may have. Throws `invalid` for any other. */
  constructor(value: unknown, path: string, known: readonly Names[]) {
    this.#path = path;
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw invalid(path === "" ? "spec" : path, "must be an object with fields");
    }
    const spellings = known.flat();
    for (const name of Object.keys(value)) {
      if (spellings.includes(name)) continue;
      const meant = nearest(name, spellings);
      const documented = known.map(([first]) => first).join(", ");
      const hint = meant === undefined ? `known fields: ${documented}` : `did you mean "${meant}"?`;
      throw invalid(this.#at(name), "unknown field", hint);
    }
    this.#values = new Map(Object.entries(value));
  }

  text(names: Names): string | undefined {
    const value = this.#value(names);
    if (value === undefined) return undefined;
    if (typeof value !== "string") throw invalid(this.#at(names[0]), "must be text");
    return value;
  }

  requiredText(names: Names): string {
    const text = this.text(names);
    if (text === undefined || text === "") throw invalid(this.#at(names[0]), "is required");
    return text;
  }

  flag(names: Names): boolean | undefined {
    const value = this.#value(names);
    if (value === undefined || typeof value === "boolean") return value;
    throw invalid(this.#at(names[0]), "must be true or false");
  }

  count(names: Names): number | undefined {
    const value = this.#value(names);
    if (value === undefined) return undefined;
    const path = this.#at(names[0]);
    if (!isScalar(value)) throw invalid(path, "must be a number");
    return parseCount(String(value), path);
  }

  /** A whole number, 0 too. */
  whole(names: Names): number | undefined {
    const value = this.#value(names);
    if (value === undefined) return undefined;
    const text = isScalar(value) ? String(value) : "";
    if (/^\d{1,9}$/.test(text)) return Number(text);
    throw invalid(this.#at(names[0]), "must be a whole number, at most nine digits");
  }

  /** Text, a number, or yes and no, as text. */
  scalar(names: Names): string | undefined {
    const value = this.#value(names);
    if (value === undefined) return undefined;
    if (isScalar(value) || typeof value === "boolean") return String(value);
    throw invalid(this.#at(names[0]), "must be text or a number");
  }

  /** "512M", or a plain number of bytes. */
  size(names: Names): bigint | undefined {
    const value = this.#value(names);
    if (value === undefined) return undefined;
    if (!isScalar(value)) {
      throw invalid(this.#at(names[0]), "must be a size", 'write for example "512M"');
    }
    return parseSize(String(value), this.#at(names[0]));
  }

  list<Item>(names: Names, read: (value: unknown, path: string) => Item): Item[] | undefined {
    const value = this.#value(names);
    if (value === undefined) return undefined;
    const path = this.#at(names[0]);
    if (!Array.isArray(value)) throw invalid(path, "must be a list");
    return value.map((item: unknown, index) => read(item, `${path}[${String(index)}]`));
  }

  object<Inner>(names: Names, read: (value: unknown, path: string) => Inner): Inner | undefined {
    const value = this.#value(names);
    return value === undefined ? undefined : read(value, this.#at(names[0]));
  }

  /** An empty field in YAML is null: the same as left out. */
  #value(names: Names): unknown {
    const given = names.filter((name) => (this.#values.get(name) ?? undefined) !== undefined);
    if (given.length > 1)
      throw invalid(this.#at(names[0]), `given twice, as ${given.join(" and ")}`);
    const [name] = given;
    return name === undefined ? undefined : this.#values.get(name);
  }

  #at(name: string): string {
    return this.#path === "" ? name : `${this.#path}.${name}`;
  }
}

const isScalar = (value: unknown): value is string | number | bigint =>
  typeof value === "string" || typeof value === "number" || typeof value === "bigint";

/** More virtual CPUs than any hypervisor offers; the coordinator knows the real limit. */
const COUNT_MAX = 1_000_000;

/** A whole number from 1. */
export function parseCount(text: string, field: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > COUNT_MAX) {
    throw invalid(field, `"${text.slice(0, 40)}" is not a number from 1 to ${String(COUNT_MAX)}`);
  }
  return count;
}
