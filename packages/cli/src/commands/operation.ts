import { AdminService } from "@muster/proto/admin";
import type { Command } from "commander";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import {
  renderLines,
  renderOperation,
  cancelText,
  renderOperations,
  renderOperationsWide,
} from "../render/operation.ts";
import { callChange, whyOf, type ChangeOptions, type Session } from "../session.ts";
import { decodeOperation, type OperationView } from "../view/operation.ts";
import { required } from "../view/required.ts";
import { isEndedWord } from "../view/words.ts";
import {
  operationExitCode,
  operationFailure,
  waitForOperation,
  type WaitOptions,
} from "../wait/wait-for-operation.ts";
import { showDryRun } from "./finish-operation.ts";
import { addChangeFlags, addWaitFlags, countOf, durationOf, example } from "./flags.ts";
import type { Run } from "./run.ts";

interface ListOptions {
  readonly active?: boolean;
  readonly subject?: string;
  readonly limit?: number;
}

interface CancelOptions extends ChangeOptions, WaitOptions {}

export function addOperationCommands(program: Command, run: Run): void {
  const op = program.command("op").description("operations: list, show, watch, cancel");

  op.command("ls")
    .description("list operations, newest first")
    .option("--active", "only those that have not ended")
    .option("--subject <subject>", "only those about this: vm/web-1, network/blue, host/h1")
    .option("--limit <n>", "at most so many (default: 100)", countOf("--limit"))
    .addHelpText("after", example("muster op ls --active", "muster op ls --subject vm/web-1"))
    .action((options: ListOptions, command: Command) =>
      run(command, (session) => listOperations(session, options)),
    );
  op.command("show")
    .argument("<id>", "id, or its beginning")
    .description("show one operation with its steps")
    .addHelpText("after", example("muster op show op-000001"))
    .action((id: string, _options, command: Command) =>
      run(command, (session) => showOperation(session, id)),
    );
  op.command("watch")
    .argument("<id>", "id, or its beginning")
    .description("follow an operation until it ends; the exit code says how it ended")
    .option(
      "--wait-timeout <duration>",
      "give up waiting after this long; the operation goes on",
      durationOf("--wait-timeout"),
    )
    .addHelpText("after", example("muster op watch op-000001"))
    .action((id: string, options: WaitOptions, command: Command) =>
      run(command, (session) => watch(session, id, options)),
    );
  addWaitFlags(addChangeFlags(op.command("cancel")))
    .argument("<id>", "id, or its beginning")
    .description("ask an operation to undo what it did")
    .addHelpText("after", example('muster op cancel op-000001 --reason "wrong VM"'))
    .action((id: string, options: CancelOptions, command: Command) =>
      run(command, (session) => cancelOperation(session, id, options)),
    );
}

async function listOperations(session: Session, options: ListOptions): Promise<ExitCode> {
  const { admin, output, surroundings } = session;
  const answer = await admin.call(AdminService.listOperations, {
    doing: "list operations",
    request: {
      active: options.active ?? false,
      subject: options.subject ?? "",
      limit: options.limit ?? 0,
    },
  });
  const operations = answer.operations.map(decodeOperation);
  const now = surroundings.clock.wall();
  output.show({
    data: operations,
    names: operations.map(({ id }) => id),
    table: (paint) => renderOperations(operations, now, paint),
    wide: (paint) => renderOperationsWide(operations, now, paint),
  });
  return exitCodes.ok;
}

function display({ output, surroundings }: Session, operation: OperationView): void {
  output.show({
    data: operation,
    names: [operation.id],
    table: (paint) => renderOperation(operation, surroundings.clock.wall(), paint),
  });
}

async function showOperation(session: Session, id: string): Promise<ExitCode> {
  const question = { doing: `show operation ${id}`, request: { id } };
  const answer = await session.admin.call(AdminService.getOperation, question);
  display(session, decodeOperation(required(answer.operation, "operation")));
  return exitCodes.ok;
}

async function watch(session: Session, id: string, options: WaitOptions): Promise<ExitCode> {
  const waited = await waitForOperation(session, id, options);
  if (waited.kind === "detached") return exitCodes.detached;
  display(session, waited.operation);
  const failure = operationFailure(waited.operation);
  if (failure !== undefined) session.output.fail(failure);
  return operationExitCode(waited.operation);
}

/** An operation that is past its last undo may still succeed: then the exit code is that of a refusal. */
async function cancelOperation(
  session: Session,
  id: string,
  options: CancelOptions,
): Promise<ExitCode> {
  const answer = await callChange(session, AdminService.cancelOperation, {
    doing: `cancel operation ${id}`,
    request: { id, why: whyOf(options, session) },
  });
  const asked = decodeOperation(required(answer.operation, "operation"));
  if (options.dryRun === true) {
    return showDryRun(session, [`would cancel ${asked.id}: ${cancelText(asked)}`], {
      operation: asked,
    });
  }
  let operation = asked;
  if (options.detach !== true && !isEndedWord(asked.state)) {
    const waited = await waitForOperation(session, asked.id, options);
    if (waited.kind === "detached") return exitCodes.detached;
    operation = waited.operation;
  }
  const isLate = operation.state === "succeeded";
  const text = isLate
    ? `${operation.id} had gone too far to be cancelled: it succeeded`
    : isEndedWord(operation.state)
      ? `${operation.id} ended as ${operation.state}`
      : `${operation.id} is asked to cancel: ${cancelText(operation)}`;
  session.output.show({
    data: { operation },
    names: [operation.id],
    table: () => renderLines([text]),
  });
  return isLate ? exitCodes.refused : exitCodes.ok;
}
