/**
 * Connects stdin and stdout to a VM's serial console until Ctrl-], the end of the stream, or a time limit. When
 * stdin is a pipe its end does not end the console: the answer to what was sent is still to come.
 */
import { once } from "node:events";
import type { Link } from "@muster/runtime";
import type { OpenConsoleRequest, OpenConsoleResponse } from "@muster/proto/admin";
import type { Session } from "../session.ts";
import type { Keyboard, Screen } from "../surroundings.ts";
import { splitAtEscape } from "./escape.ts";

type ConsoleLink = Link<OpenConsoleRequest, OpenConsoleResponse>;

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

/** Throws what the coordinator refused, or `unreachable` when the connection was lost. */
export async function runConsole(session: Session, parts: ConsoleParts): Promise<ConsoleEnd> {
  const { admin, surroundings } = session;
  const { stdin, stdout } = surroundings;
  const leaving = new AbortController();
  const leave = (): void => {
    leaving.abort(new Error("left the console"));
  };
  const link = await admin.openConsole(leaving.signal);
  const forget = surroundings.onInterrupt(leave);
  const timer = startTimer(session, leaving, parts.durationMs);
  link.send({ vm: parts.vm, force: parts.force, data: Buffer.alloc(0) });
  stdin.setRawMode?.(true);
  const typing = sendTyped(stdin, link, leaving);
  try {
    return await showOutput(link, stdout, leaving.signal);
  } catch (error) {
    throw admin.explain(error);
  } finally {
    leave();
    forget();
    stdin.setRawMode?.(false);
    stdin.destroy();
    await typing;
    await timer;
  }
}

async function startTimer(
  { surroundings }: Session,
  leaving: AbortController,
  durationMs: number | undefined,
): Promise<void> {
  if (durationMs === undefined) return;
  try {
    await surroundings.clock.sleep(durationMs, leaving.signal);
    leaving.abort(new Error("the time is over"));
  } catch (error) {
    if (!leaving.signal.aborted) throw error;
  }
}

async function showOutput(
  link: ConsoleLink,
  stdout: Screen,
  signal: AbortSignal,
): Promise<ConsoleEnd> {
  try {
    for await (const { data } of link.incoming) {
      if (!stdout.write(data)) await once(stdout, "drain", { signal });
    }
    return signal.aborted ? "left" : "ended";
  } catch (error) {
    if (signal.aborted) return "left";
    throw error;
  }
}

/** Ends with stdin, or when the console is left; a keyboard that was destroyed under us is the usual end. */
async function sendTyped(
  stdin: Keyboard,
  link: ConsoleLink,
  leaving: AbortController,
): Promise<void> {
  const { signal } = leaving;
  try {
    for await (const chunk of stdin as AsyncIterable<Buffer | string>) {
      const { bytes, isLeaving } = splitAtEscape(Buffer.from(chunk));
      for (let at = 0; at < bytes.length; at += CHUNK_BYTES_MAX) {
        const data = Buffer.from(bytes.subarray(at, at + CHUNK_BYTES_MAX));
        link.send({ vm: "", force: false, data });
      }
      if (isLeaving) leaving.abort(new Error("left the console"));
      if (signal.aborted) return;
    }
  } catch (error) {
    if (signal.aborted) return;
    leaving.abort(error);
    throw error;
  }
}
