/**
 * Connects stdin and stdout to a VM's serial console until Ctrl-], the end of the stream, or a time limit. When
 * stdin is a pipe its end does not end the console: the answer to what was sent is still to come.
 */
import { once } from "node:events";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import type { OpenConsoleRequest, OpenConsoleResponse } from "@muster/proto/admin";
import type { Session } from "../session.ts";
import type { Keyboard, Screen } from "../surroundings.ts";
import { splitAtEscape } from "./escape.ts";

type Stream = ClientDuplexStream<OpenConsoleRequest, OpenConsoleResponse>;

/** A pasted file in pieces that leave room on the link for everything else. */
const CHUNK_BYTES_MAX = 16 * 1024;

export interface ConsoleParts {
  readonly vm: string;
  readonly force: boolean;
  /** Milliseconds; absent: until somebody leaves. */
  readonly durationMs?: number;
}

/** "left": by Ctrl-], Ctrl-C or the time limit. "ended": the guest or the coordinator closed it. */
export type ConsoleEnd = "left" | "ended";

export async function runConsole(session: Session, parts: ConsoleParts): Promise<ConsoleEnd> {
  const { admin, surroundings } = session;
  const { stdin, stdout, clock } = surroundings;
  const stream = await admin.openConsole();
  const leaving = new AbortController();
  const leave = (): void => {
    leaving.abort(new Error("left the console"));
  };
  leaving.signal.addEventListener("abort", () => {
    stream.cancel();
  });
  const forget = surroundings.onInterrupt(leave);
  const { durationMs } = parts;
  const timer =
    durationMs === undefined
      ? undefined
      : clock.sleep(durationMs, leaving.signal).then(leave, leave);
  stream.write({ vm: parts.vm, force: parts.force, data: Buffer.alloc(0) });
  stdin.setRawMode?.(true);
  const typing = sendTyped(stdin, stream, leaving);
  let shown: ConsoleEnd;
  try {
    shown = await showOutput(stream, stdout, leaving.signal);
  } catch (error) {
    throw admin.explain(error, `use the console of vm ${parts.vm}`);
  } finally {
    leave();
    forget();
    stdin.setRawMode?.(false);
    stdin.destroy();
    await typing;
    await timer;
  }
  return shown;
}

async function showOutput(
  stream: Stream,
  stdout: Screen,
  signal: AbortSignal,
): Promise<ConsoleEnd> {
  try {
    for await (const { data } of stream as AsyncIterable<OpenConsoleResponse>) {
      if (!stdout.write(data)) await once(stdout, "drain", { signal });
    }
    return signal.aborted ? "left" : "ended";
  } catch (error) {
    if (signal.aborted) return "left";
    throw error;
  }
}

/** Ends with stdin, or when the console is left; a keyboard that was destroyed under us is the usual end. */
async function sendTyped(stdin: Keyboard, stream: Stream, leaving: AbortController): Promise<void> {
  const { signal } = leaving;
  try {
    for await (const chunk of stdin as AsyncIterable<Buffer | string>) {
      const { bytes, isLeaving } = splitAtEscape(Buffer.from(chunk));
      for (let at = 0; at < bytes.length; at += CHUNK_BYTES_MAX) {
        const data = Buffer.from(bytes.subarray(at, at + CHUNK_BYTES_MAX));
        if (!stream.write({ vm: "", force: false, data })) await once(stream, "drain", { signal });
      }
      if (isLeaving) leaving.abort(new Error("left the console"));
      if (signal.aborted) return;
    }
  } catch (error) {
    if (!signal.aborted) {
      leaving.abort(error);
      throw error;
    }
  }
}
