/** Typed parameters with names of our own: a spec per call gives the option type and the wire form. */
import type { TypedKind, TypedParameter, TypedParameters } from "./typed-parameters.ts";

interface Entry {
  /** libvirt's name, for example `parallel.connections`. */
  readonly field: string;
  readonly kind: TypedKind;
  /** The field may be given several times. */
  readonly many?: true;
}

export type ParameterSpec = Readonly<Record<string, Entry>>;

interface ValueOfKind {
  readonly int: number;
  readonly uint: number;
  readonly double: number;
  readonly llong: bigint;
  readonly ullong: bigint;
  readonly boolean: boolean;
  readonly string: string;
}

type ValueOf<E extends Entry> = E extends { readonly many: true }
  ? readonly ValueOfKind[E["kind"]][]
  : ValueOfKind[E["kind"]];

/** The options that a spec describes; all are optional. */
export type ParametersOf<S extends ParameterSpec> = {
  readonly [K in keyof S]?: ValueOf<S[K]> | undefined;
};

/** Takes the options that the spec knows and leaves the others alone. */
export function toTypedParameters<S extends ParameterSpec>(
  spec: S,
  options: ParametersOf<S>,
): readonly TypedParameter[] {
  return Object.entries(spec).flatMap(([name, { field, kind }]) => {
    const value: unknown = (options as Readonly<Record<string, unknown>>)[name];
    if (value === undefined) return [];
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    return values.map((each) => ({ field, kind, value: each }) as TypedParameter);
  });
}

/** The other way: what the spec knows, under our names. */
export function fromTypedParameters<S extends ParameterSpec>(
  spec: S,
  parameters: TypedParameters,
): ParametersOf<S> {
  const entries = Object.entries(spec).flatMap(([name, { field, many }]) => {
    const value = parameters[field];
    if (value === undefined) return [];
    return [[name, many && !Array.isArray(value) ? [value] : value] as const];
  });
  return Object.fromEntries(entries) as ParametersOf<S>;
}

/** A spec whose option names are libvirt's own: `fieldKinds({ cpu_shares: "ullong" })`. */
export function fieldKinds<const Kinds extends Readonly<Record<string, TypedKind>>>(
  kinds: Kinds,
): {
  readonly [Field in keyof Kinds]: { readonly field: Field & string; readonly kind: Kinds[Field] };
} {
  const entries = Object.entries(kinds).map(([field, kind]) => [field, { field, kind }]);
  return Object.fromEntries(entries) as {
    readonly [Field in keyof Kinds]: {
      readonly field: Field & string;
      readonly kind: Kinds[Field];
    };
  };
}
