/** Lets an async function answer a grpc-js call. Whatever the function does, the call is answered exactly once. */
import { Metadata, type handleUnaryCall } from "@grpc/grpc-js";
import type { MusterError } from "@muster/model";
import type { Logger } from "../log.ts";
import type { AnyCall, PeerOf } from "./peer.ts";
import type { BytesUnary, CallContext } from "./service.ts";
import { encodeError, isBug, publicError } from "./status.ts";

/** What every method of one listener shares. */
export interface CallEnvironment {
  readonly peerOf: PeerOf;
  readonly logger: Logger;
}

export function unaryCall(
  environment: CallEnvironment,
  path: string,
  answer: BytesUnary,
): handleUnaryCall<Buffer, Buffer> {
  return (call, callback) => {
    const notes = new Metadata();
    const note = (name: string, value: string): void => {
      notes.set(name, value);
    };
    const respond = async (): Promise<Buffer> =>
      answer(call.request, { ...contextOf(environment, call, path), note });
    respond().then(
      (response) => {
        callback(null, response, notes);
      },
      (error: unknown) => {
        callback(encodeError(reported(environment, error, path)));
      },
    );
  };
}

/** Throws when the connection is already gone. */
export function contextOf(environment: CallEnvironment, call: AnyCall, path: string): CallContext {
  const peer = environment.peerOf(call);
  const abandoned = new AbortController();
  call.once("cancelled", () => {
    abandoned.abort(new Error(`nobody waits for ${path} any more`));
  });
  const deadline = call.getDeadline();
  const context = { peer, signal: abandoned.signal, method: path };
  if (deadline === Infinity) return context;
  return { ...context, deadline: new Date(deadline) };
}

/** Logs bugs, once and here; gives what the other side may see. */
export function reported(environment: CallEnvironment, error: unknown, path: string): MusterError {
  if (isBug(error)) environment.logger.error({ err: error, method: path }, "call failed");
  return publicError(error, path);
}
