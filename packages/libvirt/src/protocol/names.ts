/** Between libvirt's numbers and the names that callers see. */

/** A table of the generated ones; it is built when it is first looked at. */
export type Table<Name extends string> = () => Readonly<Record<Name, number>>;

/** The names of a table, as a type: `NamesOf<typeof domainState>`. */
export type NamesOf<T extends () => object> = keyof ReturnType<T>;

interface BuiltTable {
  readonly numbers: Readonly<Record<string, number>>;
  readonly names: ReadonlyMap<number, string>;
}

const built = new WeakMap<Table<string>, BuiltTable>();

function look(table: Table<string>): BuiltTable {
  let known = built.get(table);
  if (!known) {
    const numbers = table();
    const names = new Map(Object.entries(numbers).map(([name, number]) => [number, name]));
    known = { numbers, names };
    built.set(table, known);
  }
  return known;
}

/** The bit mask of named flags: `bitsOf(domainCreateFlags, ["paused"])` is 1. Throws TypeError for an unknown name. */
export function bitsOf<Name extends string>(
  table: Table<Name>,
  flags: readonly Name[] | undefined,
): number {
  let bits = 0;
  for (const flag of flags ?? []) bits |= lookUp(table, flag, "flag");
  return bits >>> 0;
}

/** The number of a name. Throws TypeError for an unknown one. */
export function numberOf<Name extends string>(table: Table<Name>, name: Name | "unknown"): number {
  return lookUp(table, name, "name");
}

function lookUp(table: Table<string>, name: string, what: string): number {
  const { numbers } = look(table);
  const number = Object.hasOwn(numbers, name) ? numbers[name] : undefined;
  if (number !== undefined) return number;
  throw new TypeError(`unknown ${what} "${name}"; there are ${Object.keys(numbers).join(", ")}`);
}

/** The name of a number; "unknown" if it is of a newer libvirt than this library knows. */
export function nameOf<Name extends string>(table: Table<Name>, value: number): Name | "unknown" {
  return (look(table).names.get(value) as Name | undefined) ?? "unknown";
}

/** The names of the bits that are set; bits without a name are left out. */
export function flagsOf<Name extends string>(table: Table<Name>, bits: number): readonly Name[] {
  const entries = Object.entries(look(table).numbers) as [Name, number][];
  return entries.filter(([, bit]) => (bits & bit) !== 0).map(([name]) => name);
}
