/** Between libvirt's numbers and the names that callers see. */

type Table<Name extends string> = Readonly<Record<Name, number>>;

/** The bit mask of named flags: `bitsOf(domainCreateFlags, ["paused"])` is 1. Throws TypeError for an unknown name. */
export function bitsOf<Name extends string>(
  table: Table<Name>,
  flags: readonly Name[] | undefined,
): number {
  let bits = 0;
  for (const flag of flags ?? []) {
    if (!Object.hasOwn(table, flag)) throw new TypeError(`unknown flag "${flag}"`);
    bits |= table[flag];
  }
  return bits >>> 0;
}

/** The number of a name. Throws TypeError for an unknown one. */
export function numberOf<Name extends string>(table: Table<Name>, name: Name | "unknown"): number {
  if (!Object.hasOwn(table, name)) throw new TypeError(`unknown name "${name}"`);
  return table[name as Name];
}

/** The name of a number; "unknown" if it is of a newer libvirt than this library knows. */
export function nameOf<Name extends string>(table: Table<Name>, value: number): Name | "unknown" {
  let names = inverses.get(table);
  if (!names) {
    names = new Map(Object.entries<number>(table).map(([name, number]) => [number, name]));
    inverses.set(table, names);
  }
  return (names.get(value) as Name | undefined) ?? "unknown";
}

/** The names of the bits that are set; bits without a name are left out. */
export function flagsOf<Name extends string>(table: Table<Name>, bits: number): readonly Name[] {
  const names = Object.keys(table) as Name[];
  return names.filter((name) => (bits & table[name]) !== 0);
}

const inverses = new WeakMap<object, Map<number, string>>();
