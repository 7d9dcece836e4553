/**
 * One end of a bidirectional gRPC stream as a Link of encoded messages. Reading is pulled, so a slow reader holds
 * the sender back. Writing is not: whoever sends faster than the other side reads has its messages queued here,
 * up to a limit, and beyond it the stream is closed.
 */
import { MusterError } from "@muster/model";
import type { Link } from "../link.ts";

/**
 * What may wait to be sent. A full session backlog of assignments and commands for a large host is some hundred
 * messages; a reader so far behind is stuck, and starting over with a full report is cheaper than catching up.
 */
export interface LinkLimits {
  readonly waitingMessagesMax: number;
  readonly waitingBytesMax: number;
}

export const LINK_LIMITS: LinkLimits = {
  waitingMessagesMax: 1024,
  waitingBytesMax: 8 * 1024 * 1024,
};

/** What grpc-js's two kinds of bidirectional calls have in common. */
export interface StreamCall {
  read(): unknown;
  /** False: wait for "drain". */
  write(message: Buffer): boolean;
  on(event: "readable" | "end" | "drain", listener: () => void): unknown;
}

export interface StreamLinkParts {
  readonly call: StreamCall;
  readonly limits: LinkLimits;
  /** Ends our side once everything was written; with an error, at once and saying why. */
  readonly finish: (error: MusterError | undefined) => void;
}

type End = { readonly error?: Error };

export class StreamLink implements Link<Buffer, Buffer> {
  readonly incoming: AsyncIterable<Buffer>;
  readonly #call: StreamCall;
  readonly #limits: LinkLimits;
  readonly #finish: (error: MusterError | undefined) => void;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #isBlocked = false;
  /** Set once this side has closed. */
  #isClosed = false;
  /** Set once nothing more will come in. */
  #end: End | undefined;
  #wakeReader: (() => void) | undefined;

  constructor(parts: StreamLinkParts) {
    this.#call = parts.call;
    this.#limits = parts.limits;
    this.#finish = parts.finish;
    this.incoming = this.#read();
    this.#call.on("readable", () => this.#wakeReader?.());
    this.#call.on("end", () => {
      this.ended();
    });
    this.#call.on("drain", () => {
      this.#isBlocked = false;
      this.#write();
    });
  }

  send(message: Buffer): void {
    if (this.#isClosed) return;
    this.#waiting.push(message);
    this.#waitingBytes += message.length;
    this.#write();
    const { waitingMessagesMax, waitingBytesMax } = this.#limits;
    if (this.#waiting.length <= waitingMessagesMax && this.#waitingBytes <= waitingBytesMax) return;
    const count = String(this.#waiting.length);
    const problem = `${count} messages (${String(this.#waitingBytes)} bytes) wait to be sent: the other side does not read`;
    this.close(new MusterError("limit-exceeded", problem));
  }

  close(error?: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (error === undefined) {
      this.ended();
      this.#write();
      return;
    }
    this.ended(error);
    this.#forgetWaiting();
    this.#finish(error instanceof MusterError ? error : new MusterError("internal", error.message));
  }

  /** The other side, or the connection, ended. What had arrived before is still read. The first end counts. */
  ended(error?: Error): void {
    if (this.#end !== undefined) return;
    this.#end = error === undefined ? {} : { error };
    this.#wakeReader?.();
  }

  /** The connection is gone: nothing can be sent any more. */
  lost(error: Error): void {
    this.ended(error);
    this.#isClosed = true;
    this.#forgetWaiting();
  }

  #write(): void {
    while (!this.#isBlocked) {
      const message = this.#waiting.shift();
      if (message === undefined) break;
      this.#waitingBytes -= message.length;
      this.#isBlocked = !this.#call.write(message);
    }
    if (this.#isClosed && this.#waiting.length === 0) this.#finishOnce();
  }

  #finishOnce(): void {
    // A drain after the end comes here again; grpc-js ignores a second end.
    this.#finish(undefined);
  }

  #forgetWaiting(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  async *#read(): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const message: unknown = this.#call.read();
      if (Buffer.isBuffer(message)) {
        yield message;
        continue;
      }
      if (this.#end !== undefined) {
        if (this.#end.error !== undefined) throw this.#end.error;
        return;
      }
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
      this.#wakeReader = undefined;
    }
  }
}
