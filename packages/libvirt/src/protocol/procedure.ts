import {
  struct,
  type DecodedStruct,
  type EncodedStruct,
  type Codec,
  type Shape,
} from "../xdr/codec.ts";

/** One call of a program: what goes out, what comes back, and how the daemon treats it. */
export interface Procedure<Args, Ret, RetIn = Ret, ArgsOut = unknown> {
  readonly kind: "call";
  readonly program: Program;
  readonly number: number;
  readonly args: Codec<ArgsOut, Args>;
  readonly ret: Codec<Ret, RetIn>;
  /** High-priority calls run on workers of their own, so that hung guests cannot delay them. */
  readonly priority: "high" | "normal";
  readonly stream: "upload" | "download" | null;
}

export interface EventMessage<Message, MessageIn = Message> {
  readonly kind: "event";
  readonly program: Program;
  readonly number: number;
  /** The number to register for; -1 where there is none. */
  readonly eventId: number;
  readonly message: Codec<Message, MessageIn>;
}

export interface Program {
  readonly number: number;
  readonly version: number;
}

export type ArgsOf<P> = P extends { readonly args: Codec<unknown, infer Args> } ? Args : never;
export type RetOf<P> = P extends { readonly ret: { decode(...reader: never[]): infer Ret } }
  ? Ret
  : never;
/** For the daemon's side: the arguments as they arrive, and the answer as it must be given. */
export type ReceivedArgsOf<P> = P extends {
  readonly args: { decode(...reader: never[]): infer Args };
}
  ? Args
  : never;
export type AnswerOf<P> = P extends {
  readonly ret: { encode(writer: never, value: infer Ret): void };
}
  ? Ret
  : never;
export type SentMessageOf<E> = E extends {
  readonly message: { encode(writer: never, value: infer Message): void };
}
  ? Message
  : never;
export type MessageOf<E> = E extends { readonly message: { decode(...reader: never[]): infer M } }
  ? M
  : never;

export interface ProcedureTraits {
  readonly priority?: "high";
  readonly stream?: "upload" | "download";
}

/** Constructors for the procedures and events of one RPC program. */
export function program(owner: Program) {
  return {
    call: <A extends Shape, R extends Shape>(
      number: number,
      args: A,
      ret: R,
      traits: ProcedureTraits = {},
    ): Procedure<EncodedStruct<A>, DecodedStruct<R>, EncodedStruct<R>, DecodedStruct<A>> => ({
      kind: "call",
      program: owner,
      number,
      args: struct(args),
      ret: struct(ret),
      priority: traits.priority ?? "normal",
      stream: traits.stream ?? null,
    }),
    event: <M extends Shape>(
      number: number,
      eventId: number,
      shape: M,
    ): EventMessage<DecodedStruct<M>, EncodedStruct<M>> => ({
      kind: "event",
      program: owner,
      number,
      eventId,
      message: struct(shape),
    }),
  };
}

type Builders = Readonly<Record<string, () => unknown>>;
type Families = Readonly<Record<string, () => Builders>>;
type Intersection<Union> = (Union extends unknown ? (each: Union) => void : never) extends (
  all: infer All,
) => void
  ? All
  : never;
type BuildersOf<F extends Families> = Intersection<ReturnType<F[keyof F]>>;
type Built<B> = { readonly [Name in keyof B]: B[Name] extends () => infer Schema ? Schema : never };

/** The schemas of a table by name. */
export type SchemasOf<Table> = Table extends SchemaTable<infer F> ? Built<BuildersOf<F>> : never;

/**
 * Schemas by name, in families by the first word of the name. Few programs use more than a tenth of them, so a family
 * is parsed, and a schema built, when it is first asked for: all at once would cost every program megabytes.
 */
export class SchemaTable<F extends Families> {
  readonly #families: F;
  readonly #opened = new Map<string, Builders>();
  readonly #built = new Map<string, unknown>();

  constructor(families: F) {
    this.#families = families;
  }

  get<Name extends keyof BuildersOf<F> & string>(name: Name): Built<BuildersOf<F>>[Name] {
    let schema = this.#built.get(name);
    if (schema === undefined) {
      const word = Object.keys(this.#families).find((each) => name.startsWith(each)) ?? "";
      schema = this.#family(word)[name]?.();
      this.#built.set(name, schema);
    }
    return schema as Built<BuildersOf<F>>[Name];
  }

  /** All of them, which builds those that nobody used yet. */
  all(): Built<BuildersOf<F>> {
    const names = Object.keys(this.#families).flatMap((family) =>
      Object.keys(this.#family(family)),
    ) as (keyof BuildersOf<F> & string)[];
    return Object.fromEntries(names.map((name) => [name, this.get(name)])) as Built<BuildersOf<F>>;
  }

  #family(word: string): Builders {
    let family = this.#opened.get(word);
    if (!family) {
      family = Object.hasOwn(this.#families, word) ? this.#families[word]?.() : undefined;
      this.#opened.set(word, (family ??= {}));
    }
    return family;
  }
}
