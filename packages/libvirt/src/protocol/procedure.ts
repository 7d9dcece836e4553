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

/** Builds a value at its first use. */
function lazy<T>(build: () => T): () => T {
  let value: T | undefined;
  return () => (value ??= build());
}

/** Constructors for the procedures and events of one RPC program. Schemas are given as functions, called when needed. */
export function program(owner: Program) {
  return {
    /** For calls without arguments or without an answer. */
    nothing: (): Record<never, never> => ({}),
    call<A extends Shape, R extends Shape>(
      number: number,
      argsShape: () => A,
      retShape: () => R,
      { priority, stream }: ProcedureTraits = {},
    ): Procedure<EncodedStruct<A>, DecodedStruct<R>, EncodedStruct<R>, DecodedStruct<A>> {
      const args = lazy(() => struct(argsShape()));
      const ret = lazy(() => struct(retShape()));
      return {
        kind: "call",
        program: owner,
        number,
        get args() {
          return args();
        },
        get ret() {
          return ret();
        },
        priority: priority ?? "normal",
        stream: stream ?? null,
      };
    },
    event<M extends Shape>(
      number: number,
      eventId: number,
      shape: () => M,
    ): EventMessage<DecodedStruct<M>, EncodedStruct<M>> {
      const message = lazy(() => struct(shape()));
      return {
        kind: "event",
        program: owner,
        number,
        eventId,
        get message() {
          return message();
        },
      };
    },
  };
}
