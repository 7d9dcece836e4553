/** An operation as it changes, across lost connections and coordinator restarts. */
import { AdminService } from "@muster/proto/admin";
import type { Clock } from "@muster/runtime";
import { StreamBroken, type AdminConnection } from "../connection/admin-connection.ts";
import { unreachable } from "../connection/unreachable.ts";
import { decodeOperation, type OperationView } from "../view/operation.ts";
import { required } from "../view/required.ts";
import { isEndedWord } from "../view/words.ts";

/** Shorter only burdens a coordinator that starts; longer makes people wait after it is back. */
const RECONNECT_PAUSE_MS = 500;

export interface WatchParts {
  readonly admin: AdminConnection;
  readonly clock: Clock;
  readonly operationId: string;
  readonly signal: AbortSignal;
  /** Called once for every time the coordinator is lost. */
  readonly onLost: (why: string) => void;
}

/**
 * Ends after an ended operation was yielded, or when the signal aborts. A lost coordinator is dialled again for as
 * long as the connection's timeout; then `unreachable` is thrown.
 */
export async function* watchOperation(parts: WatchParts): AsyncGenerator<OperationView, void> {
  const { admin, clock, operationId, signal, onLost } = parts;
  let lostAtMs: number | undefined;
  while (!signal.aborted) {
    let why = "the coordinator ended the stream";
    try {
      const question = { doing: `watch ${operationId}`, request: { id: operationId } };
      for await (const answer of admin.stream(AdminService.watchOperation, question, signal)) {
        lostAtMs = undefined;
        const operation = decodeOperation(required(answer.operation, "operation"));
        yield operation;
        if (isEndedWord(operation.state)) return;
      }
      if (signal.aborted) return;
    } catch (error) {
      if (!(error instanceof StreamBroken)) throw error;
      why = error.message;
    }
    if (lostAtMs === undefined) onLost(why);
    lostAtMs ??= clock.now();
    if (clock.now() - lostAtMs >= admin.timeoutMs) throw unreachable(admin.address, why);
    await pause(clock, signal);
  }
}

async function pause(clock: Clock, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(RECONNECT_PAUSE_MS, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
