/** What every command does after it started an operation. */
import type { Operation } from "@muster/proto/admin";
import { renderDuration } from "../duration.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { operationDurationMs, renderLines } from "../render/operation.ts";
import type { Session } from "../session.ts";
import { decodeOperation, type OperationView } from "../view/operation.ts";
import { required } from "../view/required.ts";
import {
  operationExitCode,
  operationFailure,
  waitForOperation,
  type WaitOptions,
} from "../wait/wait-for-operation.ts";

/** What there is to say once the operation succeeded. */
export interface Outcome {
  /** "web-1 is running on h2" */
  readonly sentence: string;
  /** Shown beside the operation by json and yaml. */
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Finish {
  readonly operation: Operation | undefined;
  readonly options: WaitOptions;
  /** Known already; shown beside the operation by json and yaml, however it ends. */
  readonly data?: Readonly<Record<string, unknown>>;
  readonly outcome: () => Promise<Outcome>;
}

/** Waits unless told otherwise, shows the result, and answers with the exit code of the operation's end. */
export async function finishOperation(session: Session, finish: Finish): Promise<ExitCode> {
  const { output, surroundings } = session;
  const started = decodeOperation(required(finish.operation, "operation"));
  const show = (operation: OperationView, text: string, more: Outcome["data"]): void => {
    output.show({
      data: { operation, ...finish.data, ...more },
      names: [operation.id],
      table: () => renderLines([text]),
    });
  };
  if (finish.options.detach === true) {
    show(started, started.id, {});
    return exitCodes.ok;
  }
  const waited = await waitForOperation(session, started.id, finish.options);
  if (waited.kind === "detached") return exitCodes.detached;
  const { operation } = waited;
  const failure = operationFailure(operation);
  if (failure !== undefined) {
    if (output.isForTools) show(operation, "", {});
    output.fail(failure);
    return operationExitCode(operation);
  }
  const outcome = await finish.outcome();
  const took = renderDuration(operationDurationMs(operation, surroundings.clock.wall()));
  show(operation, `${outcome.sentence} (${operation.id}, ${took})`, outcome.data);
  return exitCodes.ok;
}

/** What a dry run found; nothing was changed. */
export function showDryRun(
  { output }: Session,
  lines: readonly string[],
  data: Readonly<Record<string, unknown>>,
): ExitCode {
  output.show({
    data: { dryRun: true, ...data },
    names: [],
    table: () => renderLines([...lines, "nothing was changed (dry run)"]),
  });
  return exitCodes.ok;
}
