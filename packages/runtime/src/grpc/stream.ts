/** Lets async functions carry grpc-js streams: links both ways, and watches with back-pressure. */
import type {
  ClientDuplexStream,
  handleBidiStreamingCall,
  handleServerStreamingCall,
  ServerWritableStream,
} from "@grpc/grpc-js";
import { MusterError } from "@muster/model";
import type { Link } from "../link.ts";
import type { BytesStream, BytesWatch } from "./service.ts";
import { decodeThrown, encodeError } from "./status.ts";
import { LINK_LIMITS, StreamLink, type LinkLimits } from "./stream-link.ts";
import { contextOf, reported, type CallEnvironment } from "./unary.ts";

export function streamCall(
  environment: CallEnvironment,
  path: string,
  answer: BytesStream,
): handleBidiStreamingCall<Buffer, Buffer> {
  return (call) => {
    const link = new StreamLink({
      call,
      limits: LINK_LIMITS,
      finish: (error) => {
        if (error === undefined) call.end();
        else call.emit("error", encodeError(error));
      },
    });
    call.once("cancelled", () => {
      link.lost(
        new MusterError("unreachable", "the other side broke off or the connection was lost"),
      );
    });
    const converse = async (): Promise<void> => {
      await answer(link, contextOf(environment, call, path));
    };
    converse().then(
      () => {
        link.close();
      },
      (error: unknown) => {
        link.close(reported(environment, error, path));
      },
    );
  };
}

export function watchCall(
  environment: CallEnvironment,
  path: string,
  answer: BytesWatch,
): handleServerStreamingCall<Buffer, Buffer> {
  return (call) => {
    const feed = async (): Promise<void> => {
      const context = contextOf(environment, call, path);
      for await (const message of answer(call.request, context)) {
        if (context.signal.aborted) return;
        if (!call.write(message)) await drained(call, context.signal);
      }
    };
    feed().then(
      () => {
        call.end();
      },
      (error: unknown) => {
        call.emit("error", encodeError(reported(environment, error, path)));
      },
    );
  };
}

/** The client's end of a stream as a link. */
export function linkOfClientCall(
  call: ClientDuplexStream<Buffer, Buffer>,
  options: { readonly doing: string; readonly limits?: LinkLimits },
): Link<Buffer, Buffer> {
  const link = new StreamLink({
    call,
    limits: options.limits ?? LINK_LIMITS,
    finish: (error) => {
      if (error === undefined) call.end();
      // The transport cannot carry our reason to a server.
      else call.cancel();
    },
  });
  call.on("error", (error: unknown) => {
    link.lost(decodeThrown(error, options.doing));
  });
  return link;
}

async function drained(
  call: ServerWritableStream<Buffer, Buffer>,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      call.removeListener("drain", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    call.once("drain", done);
    signal.addEventListener("abort", done, { once: true });
  });
}
