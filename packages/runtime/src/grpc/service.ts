/**
 * Typed services: what ts-proto generated on one side, plain async functions on the other. Requests and responses
 * are encoded and decoded here rather than inside grpc-js, so that a message that cannot be read is refused by
 * name and a waiting message has a known size.
 */
import { MusterError } from "@muster/model";
import type { Link } from "../link.ts";
import type { Peer } from "./peer.ts";

/** One method as ts-proto describes it. */
export interface Method<Request, Response> {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (value: Request) => Buffer;
  readonly requestDeserialize: (value: Buffer) => Request;
  readonly responseSerialize: (value: Response) => Buffer;
  readonly responseDeserialize: (value: Buffer) => Response;
}

export interface UnaryMethod<Request, Response> extends Method<Request, Response> {
  readonly requestStream: false;
  readonly responseStream: false;
}

export interface WatchMethod<Request, Response> extends Method<Request, Response> {
  readonly requestStream: false;
  readonly responseStream: true;
}

export interface StreamMethod<Request, Response> extends Method<Request, Response> {
  readonly requestStream: true;
  readonly responseStream: true;
}

export interface CallContext {
  readonly peer: Peer;
  /** Aborts when nobody waits for the answer any more: cancelled, deadline over, connection lost, or answered. */
  readonly signal: AbortSignal;
  /** When the caller stops waiting; absent: never. */
  readonly deadline?: Date;
  /** "/muster.v1.Admin/GetCluster". */
  readonly method: string;
  /** Says something beside the answer. Unary calls only. */
  readonly note?: (name: string, value: string) => void;
}

export type UnaryHandler<Request, Response> = (
  request: Request,
  context: CallContext,
) => Promise<Response>;

/** Must end when the context's signal aborts. */
export type WatchHandler<Request, Response> = (
  request: Request,
  context: CallContext,
) => AsyncIterable<Response>;

/** The link closes when the promise settles: properly when it resolves, with the error when it rejects. */
export type StreamHandler<Request, Response> = (
  link: Link<Response, Request>,
  context: CallContext,
) => Promise<void>;

type HandlerOf<Definition> =
  Definition extends UnaryMethod<infer Request, infer Response>
    ? UnaryHandler<Request, Response>
    : Definition extends WatchMethod<infer Request, infer Response>
      ? WatchHandler<Request, Response>
      : Definition extends StreamMethod<infer Request, infer Response>
        ? StreamHandler<Request, Response>
        : never;

/** One function for every method of a service. */
export type Handlers<Service> = { readonly [Name in keyof Service]: HandlerOf<Service[Name]> };

/** A method and its function, with the message types forgotten. */
export type BoundMethod =
  | { readonly kind: "unary"; readonly path: string; readonly answer: BytesUnary }
  | { readonly kind: "watch"; readonly path: string; readonly answer: BytesWatch }
  | { readonly kind: "stream"; readonly path: string; readonly answer: BytesStream };

export type BytesUnary = (request: Buffer, context: CallContext) => Promise<Buffer>;
export type BytesWatch = (request: Buffer, context: CallContext) => AsyncIterable<Buffer>;
export type BytesStream = (link: Link<Buffer, Buffer>, context: CallContext) => Promise<void>;

export interface RpcService {
  readonly methods: readonly BoundMethod[];
}

type AnyMethod =
  UnaryMethod<unknown, unknown> | WatchMethod<unknown, unknown> | StreamMethod<unknown, unknown>;

export function implement<Service extends object>(
  service: Service,
  handlers: Handlers<Service>,
): RpcService {
  const names = Object.keys(service) as (keyof Service & string)[];
  return { methods: names.map((name) => bind(service[name], handlers[name])) };
}

/** `Handlers` guarantees that each function fits its method; here, for once, the types are taken on its word. */
function bind(definition: unknown, handler: unknown): BoundMethod {
  const method = definition as AnyMethod;
  const { path } = method;
  if (method.requestStream) {
    const answer = handler as StreamHandler<unknown, unknown>;
    const codec = { encode: method.responseSerialize, decode: readerOf(method) };
    return {
      kind: "stream",
      path,
      answer: (link, context) => answer(mapLink(link, codec), context),
    };
  }
  if (method.responseStream)
    return {
      kind: "watch",
      path,
      answer: bindWatch(method, handler as WatchHandler<unknown, unknown>),
    };
  const answer = handler as UnaryHandler<unknown, unknown>;
  const read = readerOf(method);
  return {
    kind: "unary",
    path,
    answer: async (request, context) =>
      method.responseSerialize(await answer(read(request), context)),
  };
}

function bindWatch(
  method: WatchMethod<unknown, unknown>,
  handler: WatchHandler<unknown, unknown>,
): BytesWatch {
  const read = readerOf(method);
  return async function* (request, context) {
    for await (const response of handler(read(request), context)) {
      yield method.responseSerialize(response);
    }
  };
}

function readerOf<Request>(
  method: Pick<Method<Request, unknown>, "path" | "requestDeserialize">,
): (bytes: Buffer) => Request {
  return (bytes) => {
    try {
      return method.requestDeserialize(bytes);
    } catch (cause) {
      const length = String(bytes.length);
      throw new MusterError("invalid", `${length} bytes are not a request of ${method.path}`, {
        cause,
      });
    }
  };
}

/** Translates a link's messages. A message that cannot be decoded ends the iteration with the decoder's error. */
export function mapLink<WireOutgoing, WireIncoming, Outgoing, Incoming>(
  link: Link<WireOutgoing, WireIncoming>,
  codec: {
    readonly encode: (message: Outgoing) => WireOutgoing;
    readonly decode: (message: WireIncoming) => Incoming;
  },
): Link<Outgoing, Incoming> {
  return {
    send: (message) => {
      link.send(codec.encode(message));
    },
    incoming: mapIterable(link.incoming, codec.decode),
    close: (error) => {
      link.close(error);
    },
  };
}

/** Not a generator: with thousands of messages a second its bookkeeping for every layer is noticed. */
function mapIterable<From, To>(
  source: AsyncIterable<From>,
  decode: (value: From) => To,
): AsyncIterable<To> {
  return {
    [Symbol.asyncIterator]: () => {
      const values = source[Symbol.asyncIterator]();
      return {
        next: async () => {
          const next = await values.next();
          if (next.done === true) return { done: true, value: undefined };
          try {
            return { done: false, value: decode(next.value) };
          } catch (error) {
            await values.return?.();
            throw error;
          }
        },
        return: async () => {
          await values.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
