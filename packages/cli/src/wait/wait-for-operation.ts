/** Waits for an operation as the person asked: until it ends, for a while, or not at all. */
import { isErrorCode, MusterError, type ErrorDetail } from "@muster/model";
import type { ErrorDetail as WireErrorDetail } from "@muster/proto/types";
import { renderDuration } from "../duration.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import type { Session } from "../session.ts";
import type { OperationView } from "../view/operation.ts";
import { openProgressDisplay } from "./progress-display.ts";
import { watchOperation } from "./watch-operation.ts";

/** Flags of every command that starts an operation. */
export interface WaitOptions {
  readonly detach?: boolean;
  /** Milliseconds; absent: as long as it takes. */
  readonly waitTimeout?: number;
}

export type Waited =
  | { readonly kind: "ended"; readonly operation: OperationView }
  /** Ctrl-C: the operation goes on. */
  | { readonly kind: "detached" };

const hintFor = (operationId: string): string =>
  `watch it with \`muster op watch ${operationId}\`, undo it with \`muster op cancel ${operationId}\``;

/** Throws `timeout` when --wait-timeout passed, and `unreachable` when the coordinator stays away. */
export async function waitForOperation(
  session: Session,
  operationId: string,
  options: WaitOptions,
): Promise<Waited> {
  const { admin, surroundings, output } = session;
  const stop = new AbortController();
  const interrupted = new Error("interrupted");
  const forget = surroundings.onInterrupt(() => {
    stop.abort(interrupted);
  });
  const timer = startTimer(session, stop, options.waitTimeout);
  try {
    await using display = openProgressDisplay(surroundings.stderr, surroundings.clock);
    const views = watchOperation({
      admin,
      clock: surroundings.clock,
      operationId,
      signal: stop.signal,
      onLost: (why) => {
        display.lost(why);
      },
    });
    let last: OperationView | undefined;
    for await (const view of views) {
      display.show(view);
      last = view;
    }
    if (!stop.signal.aborted && last !== undefined) return { kind: "ended", operation: last };
  } catch (error) {
    throw withHint(error, operationId);
  } finally {
    forget();
    stop.abort(new Error("the wait is over"));
    await timer;
  }
  if (stop.signal.reason !== interrupted) {
    const waited = renderDuration(options.waitTimeout ?? 0);
    throw new MusterError("timeout", `${operationId} has not ended after ${waited}; it goes on`, {
      hint: hintFor(operationId),
    });
  }
  output.note(`stopped waiting; ${operationId} goes on: ${hintFor(operationId)}`);
  return { kind: "detached" };
}

/** Aborts the wait after the time; ends quietly when the wait is over first. */
async function startTimer(
  { surroundings }: Session,
  stop: AbortController,
  waitTimeoutMs: number | undefined,
): Promise<void> {
  if (waitTimeoutMs === undefined) return;
  try {
    await surroundings.clock.sleep(waitTimeoutMs, stop.signal);
    stop.abort(new Error("the wait took too long"));
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
}

/** A lost coordinator while waiting says nothing about the operation: tell where to look. */
function withHint(error: unknown, operationId: string): unknown {
  if (!(error instanceof MusterError) || error.code !== "unreachable") return error;
  return new MusterError("unreachable", `${error.message} while waiting for ${operationId}`, {
    cause: error.cause,
    hint: `${operationId} may go on; when the coordinator is back, ${hintFor(operationId)}`,
    reasons: error.reasons,
  });
}

/** The exit code of an operation that ended. */
export function operationExitCode(operation: OperationView): ExitCode {
  if (operation.state === "succeeded") return exitCodes.ok;
  if (operation.state === "cancelled") return exitCodes.cancelled;
  return operation.error?.code === "no-placement" ? exitCodes.noPlacement : exitCodes.failed;
}

/** Which step failed, on which host, why, and what to do; undefined for an operation that ended well. */
export function operationFailure(operation: OperationView): ErrorDetail | undefined {
  if (operation.state === "succeeded") return undefined;
  const failed = operation.steps.find(({ state, error }) => state === "failed" || error);
  const step = failed === undefined ? "" : ` at step ${failed.name}`;
  const host = failed === undefined || failed.host === "" ? "" : ` on ${failed.host}`;
  const what = `${operation.id} (${operation.type} ${operation.subject})`;
  const error: WireErrorDetail | undefined = operation.error ?? failed?.error;
  if (operation.state === "cancelled") {
    const by = error === undefined || error.message === "" ? "" : `: ${error.message}`;
    const message = `${what} was cancelled${by}`;
    return { code: "cancelled", message, cause: error?.cause ?? "", hint: "", reasons: [] };
  }
  return {
    code: error !== undefined && isErrorCode(error.code) ? error.code : "internal",
    message: `${what} failed${step}${host}${error === undefined ? "" : `: ${error.message}`}`,
    cause: error?.cause ?? "",
    hint: error?.hint || `see \`muster op show ${operation.id}\``,
    reasons: error?.reasons ?? [],
  };
}
