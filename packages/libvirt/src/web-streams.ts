import { FilledReader } from "./filled-reader.ts";
import type { RpcStream } from "./rpc-stream.ts";

/** A stream of the daemon as Web streams; it fits `pipeThrough()`. */
export interface WebStreams {
  /** Holes read as zeros. `cancel()` aborts the stream in the daemon. */
  readonly readable: ReadableStream<Uint8Array>;
  /** `close()` resolves when the daemon has everything; `abort()` aborts the stream there. */
  readonly writable: WritableStream<Uint8Array>;
}

/** Bytes that a writer may be ahead of the socket before it is asked to wait. */
const WRITE_HIGH_BYTES = 1_048_576;

/** Nothing is read from the daemon's stream before the reader asks, nothing is taken that the socket has no room for. */
export function webStreamsOf(stream: RpcStream): WebStreams {
  const reader = new FilledReader(stream);
  const abort = (reason: unknown) =>
    stream.abort(reason instanceof Error ? reason : new Error("the stream was cancelled"));
  const readable = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const bytes = reader.readNow() ?? (await reader.read());
        if (bytes) return controller.enqueue(bytes);
        controller.close();
        // The daemon waits for us to finish too.
        await stream.finish();
      },
      cancel: abort,
    },
    { highWaterMark: 0 },
  );
  const writable = new WritableStream<Uint8Array>(
    {
      write: (bytes) => stream.write(bytes),
      close: () => stream.finish(),
      abort,
    },
    new ByteLengthQueuingStrategy({ highWaterMark: WRITE_HIGH_BYTES }),
  );
  return { readable, writable };
}
