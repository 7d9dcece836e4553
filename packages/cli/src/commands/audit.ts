/** Who changed what, from where and why. */
import { AdminService } from "@muster/proto/admin";
import type { Command } from "commander";
import { StreamBroken } from "../connection/admin-connection.ts";
import { unreachable } from "../connection/unreachable.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { renderAudit } from "../render/audit.ts";
import { renderLines } from "../render/operation.ts";
import type { Session } from "../session.ts";
import { decodeAudit, type AuditView } from "../view/audit.ts";
import { required } from "../view/required.ts";
import { countOf, example } from "./flags.ts";
import type { Run } from "./run.ts";

interface AuditOptions {
  readonly limit?: number;
  readonly who?: string;
  readonly about?: string;
  readonly since?: string;
}

const LIST_DEFAULT = 50;

export function addAuditCommands(program: Command, run: Run): void {
  const audit = program.command("audit").description("who changed what, from where and why");
  withFilters(audit.command("ls"))
    .description("list the newest changes that people made, oldest first")
    .option("--limit <n>", `at most so many (default: ${String(LIST_DEFAULT)})`, countOf("--limit"))
    .addHelpText("after", example("muster audit ls --about vm/web-1"))
    .action((options: AuditOptions, command: Command) =>
      run(command, (session) => listAudit(session, options)),
    );
  withFilters(audit.command("export"))
    .description("print all that is kept, one JSON object a line, with before and after")
    .addHelpText("after", example("muster audit export --since 2026-11-01T00:00:00Z"))
    .action((options: AuditOptions, command: Command) =>
      run(command, (session) => exportAudit(session, options)),
    );
}

const withFilters = (command: Command): Command =>
  command
    .option("--who <name>", "only what this person did")
    .option("--about <thing>", "only what changed this: vm/NAME, host/NAME, network/NAME")
    .option("--since <time>", "only from this time on, as in 2026-11-01T00:00:00Z");

async function listAudit(session: Session, options: AuditOptions): Promise<ExitCode> {
  const entries: AuditView[] = [];
  for await (const entry of read(session, { limit: LIST_DEFAULT, ...options })) entries.push(entry);
  session.output.show({
    data: entries,
    names: entries.map(({ id }) => id),
    table: (paint) => renderAudit(entries, paint),
  });
  return exitCodes.ok;
}

async function exportAudit(session: Session, options: AuditOptions): Promise<ExitCode> {
  for await (const entry of read(session, options)) {
    session.output.showOne({
      data: entry,
      names: [entry.id],
      table: () => renderLines([JSON.stringify(entry)]),
    });
  }
  return exitCodes.ok;
}

async function* read({ admin }: Session, options: AuditOptions): AsyncGenerator<AuditView> {
  const { limit = 0, who = "", about: thing = "", since = "" } = options;
  const question = { doing: "read the audit trail", request: { limit, who, thing, since } };
  const never = new AbortController().signal;
  try {
    for await (const answer of admin.stream(AdminService.listAudit, question, never)) {
      yield decodeAudit(required(answer.entry, "entry"));
    }
  } catch (error) {
    if (!(error instanceof StreamBroken)) throw error;
    throw unreachable(admin.address, error.message);
  }
}
